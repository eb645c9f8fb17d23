# SPDX-License-Identifier: Apache-2.0
"""The goals beside the results: met or missed, by number."""

from gpu_page.results import label
from gpu_page.words import number, rate, table, tera

PEAK, SHARE, RATIO = 989e12, 0.60, 1.10


def verdict(value, goal):
    return "met" if value >= goal * (1 - 1e-9) else "missed"  # 0.011 / 0.010 is a bit less than 1.1


def speed_rows(pairs, peak):
    goal = f"≥ {100 * SHARE:.0f} % of {tera(PEAK)} TFLOP/s ({tera(SHARE * PEAK)})"
    for name, ours, _peer in pairs.rows("gpt2"):
        value = rate(ours)
        if value is None:
            yield [label(name), goal, "not measured", "open"]
        elif peak != PEAK:
            why = f"this GPU's peak is {tera(peak)}" if peak else "this GPU's peak is not known"
            yield [label(name), goal, f"{tera(value)} TFLOP/s", f"open ({why})"]
        else:
            yield [label(name), goal, f"{1e-12 * value:.1f} TFLOP/s, {100 * value / PEAK:.1f} %", verdict(value, SHARE * PEAK)]


def ratio_rows(pairs):
    for kind in ("gpt2", "llama", "model"):
        for name, _ours, _peer in pairs.rows(kind):
            ratio = pairs.ratio(name)
            found = ["not measured on both sides", "open"] if ratio is None else [f"{ratio:.3f} ×", verdict(ratio, RATIO)]
            yield [label(name), f"≥ {RATIO:.1f} × PyTorch", *found]


def goals(pairs, of):
    rows = [*speed_rows(pairs, number(of, "peak")), *ratio_rows(pairs)]
    if not rows:
        return ["## Goals", "", "Nothing was measured that they are about.", ""]
    count = {word: sum(row[3].startswith(word) for row in rows) for word in ("met", "missed", "open")}
    return ["## Goals", "", f"{count['met']} met, {count['missed']} missed, {count['open']} open.", "",
            *table(["what", "goal", "result", ""], "llrl", rows)]
