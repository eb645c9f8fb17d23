#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables and a log-log plot of how a suite's times grow with its first argument.

    bench_partition --benchmark_repetitions=5 --benchmark_out=times.json --benchmark_out_format=json
    python3 bench/growth.py times.json growth.svg > tables.md

One plot a benchmark, one line for every choice of the other arguments; medians of CPU time. Without repetitions: the times themselves.
"""
import json
import math
import sys
from collections import defaultdict


def read(path):
    """{benchmark: {other arguments: {first argument: microseconds}}}"""
    scale = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
    runs = json.load(open(path))["benchmarks"]
    medians = [r for r in runs if r.get("aggregate_name") == "median"] or runs
    out = defaultdict(lambda: defaultdict(dict))
    for run in medians:
        if run.get("error_occurred"):
            continue
        name, first, *rest = run["run_name"].split("/")
        out[name]["/".join(rest)][int(first)] = run["cpu_time"] * scale[run["time_unit"]]
    return out


def short(us):
    for unit, size in (("s", 1e6), ("ms", 1e3), ("µs", 1)):
        if us >= size:
            return f"{us / size:.3g} {unit}"
    return f"{us:.2g} µs"


def table(name, lines):
    firsts = sorted({x for line in lines.values() for x in line})
    print(f"\n`{name}`\n\n| | " + " | ".join(str(x) for x in firsts) + " |")
    print("|---|" + "---:|" * len(firsts))
    for rest, line in lines.items():
        print(f"| {rest} | " + " | ".join(short(line[x]) if x in line else "" for x in firsts) + " |")


def plot(name, lines, left, top, size=300):
    points = [(math.log10(x), math.log10(y)) for line in lines.values() for x, y in line.items()]
    low_x, high_x = min(p[0] for p in points), max(p[0] for p in points)
    low_y, high_y = math.floor(min(p[1] for p in points)), math.ceil(max(p[1] for p in points))
    at_x = lambda x: left + 50 + (size - 110) * (math.log10(x) - low_x) / max(high_x - low_x, 1e-9)
    at_y = lambda y: top + size - 40 - (size - 70) * (math.log10(y) - low_y) / (high_y - low_y)
    out = [f'<text x="{left + 50}" y="{top + 16}" font-weight="bold">{name}</text>']
    for power in range(low_y, high_y + 1):
        y = at_y(10.0**power)
        out.append(f'<path d="M{left + 50} {y:.1f}h{size - 110}" stroke="#ddd"/>')
        out.append(f'<text x="{left + 46}" y="{y + 4:.1f}" text-anchor="end">{short(10.0**power)}</text>')
    for x in sorted({x for line in lines.values() for x in line}):
        out.append(f'<text x="{at_x(x):.1f}" y="{top + size - 22}" text-anchor="middle" font-size="8">{x}</text>')
    for i, (rest, line) in enumerate(lines.items()):
        hue = f"hsl({i * 360 // len(lines)},70%,40%)"
        dots = [(at_x(x), at_y(y)) for x, y in sorted(line.items())]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in dots)
        out.append(f'<path d="M{path}" fill="none" stroke="{hue}" stroke-width="1.5"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{hue}"/>' for x, y in dots]
        out.append(f'<text x="{dots[-1][0] + 5:.1f}" y="{dots[-1][1] + 3:.1f}" fill="{hue}" font-size="8">{rest}</text>')
    return out


def main():
    suites = read(sys.argv[1])
    columns, size = 3, 300
    out = []
    for i, (name, lines) in enumerate(suites.items()):
        table(name, lines)
        out += plot(name, lines, i % columns * size, i // columns * size, size)
    rows = -(-len(suites) // columns)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * size} {rows * size}" '
            'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="#fff"/>')
    open(sys.argv[2], "w").write("\n".join([head, *out, "</svg>\n"]))


main()
