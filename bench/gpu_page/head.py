# SPDX-License-Identifier: Apache-2.0
"""The head of the page: what ran where, what is not whole, and which attention was at work."""

from gpu_page import logs
from gpu_page.words import DASH, cell, figure, number, tera


def machine(read):
    """bench_gpu's own line about the GPU, or an empty dictionary."""
    found = logs.entries(read, "ours", "machine")
    return found[-1] if found else {}


def environment(read):
    """Its lines as a list; what several calls have said alike is said once."""
    lines = [line.strip() for line in read["environment"].lines if line.strip() and not line.startswith(logs.MARK)]
    return [f"- {cell(line)}" for line in dict.fromkeys(lines)] or ["- Date, commit and machine are not known."]


def version(number_):
    """13000 of CUDA is 13.0."""
    return f"{number_ // 1000}.{number_ % 1000 // 10}" if isinstance(number_, int) and number_ >= 1000 else DASH


def versions(read):
    of, peers = machine(read), logs.entries(read, "peer", "peer")
    lines = []
    if of:
        peak = number(of, "peak")
        taken = f"{tera(peak)} TFLOP/s (dense bf16)" if peak else "not known: no shares of it below"
        lines.append(f"- chimera on: {cell(of.get('gpu', DASH))}, {figure(number(of, 'gib'), '{:.0f}')} GiB, driver for CUDA "
                     f"{version(of.get('driver'))}, CUDA {version(of.get('cuda'))}, cuBLASLt {of.get('cublaslt', DASH)}; peak: {taken}")
    else:
        lines.append("- chimera on: not known, nor the GPU's peak: no shares of it below")
    for peer in {str(p.get("peer")): p for p in peers}.values():
        lines.append(f"- peer: {cell(peer.get('peer'))} on {cell(peer.get('device'))}, CUDA {cell(peer.get('cuda') or DASH)}, "
                     f"cuDNN {cell(peer.get('cudnn') or DASH)}")
    return lines


def attention(read, pairs):
    """Which attention ran, on both sides, in the blocks and models below."""
    def said(entries):
        return "; ".join(dict.fromkeys(cell(e["attention"]) for e in entries if e.get("attention"))) or "not known"
    ours = list(pairs.ours.values()) or [machine(read)]
    lines = [f"- attention in chimera: {said(ours)}", f"- attention in the peer's fastest ways: {said(pairs.peer.values())}"]
    if "matrix products" in lines[0]:
        lines += ["", "**Chimera's attention was not the fused one here: its ratios are about that, too.**"]
    return lines


def not_whole(read):
    faults = [f"- `{log.name}`: {cell(fault)}" for log in read.values() for fault in log.faults]
    return ["**Not whole.** What follows is of the rest:", "", *faults, ""] if faults else []


def head(read, pairs):
    return ["# On a GPU", "", *environment(read), *versions(read), *attention(read, pairs), "",
            "Random data, bf16. Times are medians; spread: slowest less fastest, of the median. In cells of two figures chimera's is first, "
            "PyTorch's second. Ratio: PyTorch's time over chimera's, above 1 chimera is faster. FLOP count the causal half of attention "
            "and nothing for recomputing.", "", *not_whole(read)]
