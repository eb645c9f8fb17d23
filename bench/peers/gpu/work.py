# SPDX-License-Identifier: Apache-2.0
"""What is measured: the shapes bench_gpu measures, and their FLOP by its formulas. Needs no PyTorch."""

VOCABULARY = 50257
PADDED_VOCABULARY = 50304  # rows of the peer's table and head: a multiple of 64, as chimera pads its own
PARTS = ("blocks", "llama", "models")
WARM = {"blocks": 5, "llama": 5, "models": 3}
COUNT = {"blocks": 20, "llama": 20, "models": 10}


def block_flops(channels, rows, tokens):
    """Forward and backward: six for every weight of a product and row; attention counted by its causal half; nothing for recomputing."""
    return 6 * rows * (12 * channels**2 + channels * tokens)


def llama_flops(channels, hidden, rows, tokens):
    """The same with a gated MLP of three products and no grouped heads."""
    return 6 * rows * (4 * channels**2 + 3 * channels * hidden + channels * tokens)


def step_flops(layers, channels, rows, tokens, vocabulary=VOCABULARY):
    """A training step: the blocks and the head, with the rows of a vocabulary that is not padded."""
    return layers * block_flops(channels, rows, tokens) + 6 * rows * channels * vocabulary


def block(channels, sequences, tokens, heads=None):
    return {"suite": "block", "kind": "gpt2", "channels": channels, "heads": heads or channels // 128, "sequences": sequences,
            "tokens": tokens, "flops": block_flops(channels, sequences * tokens, tokens)}


def llama(name, channels, hidden, heads, layers, sequences, tokens):
    return {"suite": "block", "kind": "llama", "name": name, "channels": channels, "hidden": hidden, "heads": heads, "layers": layers,
            "sequences": sequences, "tokens": tokens, "flops": llama_flops(channels, hidden, sequences * tokens, tokens)}


def model(name, layers, heads, channels, sequences, micro_batches, tokens=1024, vocabulary=VOCABULARY):
    return {"suite": "model", "name": name, "layers": layers, "heads": heads, "channels": channels, "sequences": sequences,
            "micro_batches": micro_batches, "tokens": tokens, "vocabulary": vocabulary,
            "flops": step_flops(layers, channels, sequences * micro_batches * tokens, tokens, vocabulary)}


WORK = {
    "blocks": [block(c, 16384 // t, t) for c in (2048, 4096) for t in (1024, 4096)],
    "llama": [llama(*sizes, 16384 // t, t) for sizes in (("1.3B", 2048, 5504, 16, 24), ("7B", 4096, 11008, 32, 32)) for t in (1024, 4096)],
    "models": [model("124M", 12, 12, 768, 32, 4), model("350M", 24, 16, 1024, 16, 4), model("1558M", 48, 25, 1600, 8, 4)],
}
TINY = {
    "blocks": [block(64, 2, 48, 2), block(96, 3, 40, 3)],
    "llama": [llama("tiny", 64, 172, 2, 2, 2, 48)],
    "models": [model("tiny", 2, 2, 64, 2, 2, 32, 501), model("odd", 3, 3, 96, 1, 3, 24, 501)],
}


def chosen(part, names, tiny, quick):
    """The work of a part. `names`: models alone, none for all; quick: the shapes with the shorter sequences, and the first model."""
    known = (TINY if tiny else WORK)[part]
    if part == "models":
        known = [each for each in known if each["name"] in names] if names else known
        return known[:1] if quick and not names else known
    return [each for each in known if not quick or tiny or each["tokens"] == 1024]


def label(what):
    """Names a piece of work in a line."""
    if what["suite"] == "model":
        return f"GPT-2 {what['name']}"
    name = f"LLaMA {what['name']}" if what["kind"] == "llama" else "GPT-2"
    return f"{name} block, {what['channels']} channels, {what['sequences']} × {what['tokens']} tokens"
