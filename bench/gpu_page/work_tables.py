# SPDX-License-Identifier: Apache-2.0
"""Tables of blocks and models: ours, the peer's, and every way the peer was tried in."""

from gpu_page import logs
from gpu_page.results import label
from gpu_page.words import DASH, cell, divided, figure, gib, milliseconds, number, pair, rate, share, spread, table, tera


def rates(ours, peer, peak):
    """Cells: TFLOP/s and share of the peak, of both."""
    return [pair(tera(rate(ours)), tera(rate(peer))), pair(share(rate(ours), peak), share(rate(peer), peak))]


def timed(pairs, name, ours, peer, peak):
    return [label(name), milliseconds(ours), milliseconds(peer), figure(pairs.ratio(name), "{:.2f}"), pair(spread(ours), spread(peer)),
            *rates(ours, peer, peak)]


TIMED = ["what", "chimera ms", "PyTorch ms", "ratio", "spreads", "TFLOP/s", "of peak"]


def none(what, rows):
    return [] if rows else [f"No {what} were measured.", ""]


def blocks(pairs, peak):
    rows = pairs.rows("gpt2")
    return ["## GPT-2 blocks, forward and backward", "", "6 · rows · (12 c² + c · tokens) FLOP; both by the GPU's own clock. Chimera "
            "adds to gradients of weights in fp32; PyTorch writes them anew, in bf16 unless its way says autocast, which is less work.", "",
            *table(TIMED, "lrrrrrr", [timed(pairs, *row, peak) for row in rows]), *none("GPT-2 blocks", rows)]


def model_rate(entry):
    value = number(entry, "tokens_per_second")
    return figure(value, "{:,.0f}")


def models(pairs, peak):
    rows = pairs.rows("model")
    cells = [[*timed(pairs, *row, peak), pair(model_rate(row[1]), model_rate(row[2])),
              figure(pairs.ratio_with_masters(row[0]), "{:.2f}")] for row in rows]
    memory = [[label(name), gib(ours, "bytes"), gib(ours, "predicted_bytes"), gib(peer, "bytes"), gib(peer, "reserved_bytes")]
              for name, ours, peer in rows]
    return ["## Training steps of GPT-2, one worker", "",
            "6 · tokens · (layers · (12 c² + c · tokens a sequence) + c · vocabulary) FLOP; forward, backward, clipping and AdamW, bringing "
            "tokens to the GPU included, by the host's clock; chimera's step is one graph. The vocabulary has 50,257 tokens; both compute with more rows (a multiple of "
            "64, PyTorch 50,304), which the FLOP do not count. Chimera keeps fp32 master weights and moments. Of PyTorch's ways autocast does, "
            "too; bf16 weights have no fp32 masters and bf16 moments, which is less work than chimera's. The faster is the peer; the last "
            "column is the ratio to the fastest with autocast.", "",
            *table([*TIMED, "tokens/s", "ratio, masters in both"], "lrrrrrrrr", cells), *none("models", rows),
            *memory_of(memory)]


def memory_of(rows):
    if not rows:
        return []
    return ["Memory in GiB. Chimera's is what it has taken from the GPU, libraries' own included, beside the bytes its planner foresaw; "
            "PyTorch's is the most in tensors and the most its allocator held for them, after compiling, without what CUDA and libraries "
            "take.", "", *table(["what", "chimera", "foreseen", "PyTorch, tensors", "PyTorch, held"], "lrrrr", rows)]


def whole_model(entry):
    """Tokens a second that `layers` such blocks alone would make, or None."""
    sizes = [number(entry, key) for key in ("sequences", "tokens", "seconds", "layers")]
    return None if None in sizes else sizes[0] * sizes[1] / (sizes[2] * sizes[3])


def llama(pairs, peak):
    rows = pairs.rows("llama")
    cells = [[*timed(pairs, *row, peak), pair(*(figure(whole_model(e), "{:,.0f}") for e in row[1:]))] for row in rows]
    return ["## LLaMA blocks, forward and backward", "",
            "6 · rows · (4 c² + 3 c · hidden + c · tokens) FLOP. The last column is what all of the model's blocks (24 of 1.3B, 32 of 7B) "
            "would make of tokens a second, one after the other and alone: no embedding, no head, no optimiser, no accumulation. It is an "
            "upper bound, not a measurement of a model.", "",
            *table([*TIMED, "tokens/s, blocks alone"], "lrrrrrrr", cells), *none("LLaMA blocks", rows)]


def way_row(name, entry, best):
    outcome = milliseconds(entry) if number(entry, "seconds") else cell(entry.get("refused", "no time"))
    outcome, way = ((f"**{each}**" if entry is best else each) for each in (outcome, cell(entry.get("way", DASH))))
    return [label(name), way, outcome, spread(entry)]


def attention_rows(read):
    """The backends alone: forward and backward in ms by shape."""
    shapes = {}
    for entry in logs.entries(read, "peer", "attention"):
        shape = tuple(entry.get(k) for k in ("sequences", "tokens", "heads", "channels"))
        shapes.setdefault(shape, {})[entry.get("attention")] = entry
    kinds = list(dict.fromkeys(kind for found in shapes.values() for kind in found))
    rows = []
    for (sequences, tokens, heads, channels), found in shapes.items():
        size = divided(channels, heads)
        rows.append([f"{sequences} × {tokens} tokens, {heads} heads of {figure(size, '{:.0f}')}",
                     *(milliseconds(found.get(kind)) for kind in kinds)])
    return kinds, rows


def ways(read, pairs):
    rows = [way_row(name, entry, pairs.peer.get(name)) for name, tried in pairs.tried.items() for entry in tried]
    kinds, alone = attention_rows(read)
    if not rows and not alone:
        return []
    return ["## Ways of PyTorch", "",
            "The fastest way, in bold, is the peer above. Shapes are static, AdamW is fused; each change is made to the fastest way so far "
            "until the time for trying is over.", "", *table(["what", "way", "ms", "spread"], "llrr", rows),
            *(["Attention alone, forward and backward, in ms (a dash: refused); the fastest is what ways are tried with:", ""] if alone else []),
            *table(["shape", *(str(kind) for kind in kinds)], "l" + "r" * len(kinds), alone)]
