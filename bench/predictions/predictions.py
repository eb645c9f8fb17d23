#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints published iterations beside predictions: rows that a fit saw, and rows that it did not.

    predictions.py PROGRAM [--data FOLDER] [--rows]

PROGRAM is chimera. FOLDER holds files that the repository does not: vtrain_single_a100_calibration.csv,
vtrain_multi_a100_some.csv (vTrain's ground truth, MIT licence) and chimera_sc21_bert48_grid.csv (figure 10 of arXiv
2107.06925v5). --rows prints every row, too. For each file: the error of the fit, of random folds, of sizes that no
fitted row has, and of rows of other files; Kendall's tau of predicted against measured rates, and how much slower than
the best measured row the one is that is predicted best.
"""
import argparse
import itertools
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent.parent / "tests" / "fixtures"


def calibrate(program, arguments):
    """The report of `chimera calibrate`, or None where it refuses."""
    done = subprocess.run([program, "calibrate", *map(str, arguments), "--format", "json"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    return json.loads(done.stdout)


def rate(row, value):
    """The larger the faster."""
    return value if row["unit"] == "samples/s" else 1 / value


def tau(rows):
    """Kendall's tau of the predicted against the measured rates; ties count as neither."""
    score = pairs = 0
    for a, b in itertools.combinations(rows, 2):
        measured = rate(a, a["measured"]) - rate(b, b["measured"])
        ours = rate(a, a["predicted"]) - rate(b, b["predicted"])
        if measured == 0:
            continue
        pairs += 1
        score += 1 if measured * ours > 0 else -1 if measured * ours < 0 else 0
    return score / pairs if pairs else 1.0


def best(rows):
    """How far the row that is predicted fastest is behind the one measured fastest."""
    chosen = max(rows, key=lambda r: rate(r, r["predicted"]))
    return max(rate(r, r["measured"]) for r in rows) / rate(chosen, chosen["measured"]) - 1


def comparable(rows):
    """Rows of one machine and model, whose rates may be ranked: by the name up to its parallelism."""
    groups = {}
    for row in rows:
        name = row["name"]
        if " nodes" in name:
            key = name.split()[0] + name.split(",")[1]
        else:
            key = name.split(", t ")[0] + name.split("batch ")[1].split(" by ")[0]
        groups.setdefault(key, []).append(row)
    return [g for g in groups.values() if len(g) > 2]


def line(name, count, errors, rows=None):
    text = f"{name:<58} {count:>5} {100 * errors['mean']:>7.1f} {100 * errors['p95']:>7.1f}"
    text += f" {100 * errors['largest']:>8.1f}"
    groups = comparable(rows or [])
    if groups:
        mean = sum(map(tau, groups)) / len(groups)
        behind = sum(map(best, groups)) / len(groups)
        text += f" {mean:>6.2f} {100 * behind:>7.1f}"
    print(text)


def show(rows):
    for row in rows:
        held = f" {100 * row['held_out']:>+8.1f}" if "held_out" in row else ""
        print(f"    {row['name']:<60} {row['measured']:>9.1f} {row['predicted']:>9.1f} {100 * row['error']:>+7.1f}{held}")


def report(program, fitted, judged, every):
    """A fit's lines, and one for each file of other rows."""
    found = calibrate(program, [fitted])
    if found is None:
        return 1
    rows = found["rows"]
    line(f"{fitted.name}: fitted", len(rows), found["fit"], rows)
    line("  random folds", len(rows), found["held_out"])
    for size, errors in found["beyond"].items():
        line(f"  each {size} of {errors['values']} left out", len(rows), errors)
    if every:
        show(rows)
    for file in judged:
        other = calibrate(program, [fitted, "--test", file])
        if other is None:
            return 1
        line(f"  judged on {file.name}", len(other["test"]["rows"]), other["test"]["errors"], other["test"]["rows"])
        if every:
            show(other["test"]["rows"])
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--rows", action="store_true")
    with_ = parser.parse_args()
    bert = FIXTURES / "chimera_sc21_bert48.csv"
    paper = HERE / "sequence_parallel_paper.csv"
    plans = [(bert, [])]
    if with_.data:
        grid = with_.data / "chimera_sc21_bert48_grid.csv"
        single = with_.data / "vtrain_single_a100_calibration.csv"
        several = with_.data / "vtrain_multi_a100_some.csv"
        plans = [(bert, [grid]), (grid, [bert]), (single, [several, paper]), (several, [single, paper])]
        for file in {file for fitted, judged in plans for file in [fitted, *judged]}:
            if not file.is_file():
                print(f"predictions.py: {file} is missing (its rows are predicted) put it there", file=sys.stderr)
                return 2
    print(f"{'errors in %':<58} {'rows':>5} {'mean':>7} {'95 of':>7} {'largest':>8} {'tau':>6} {'behind':>7}")
    return max(report(with_.program, fitted, judged, with_.rows) for fitted, judged in plans)


if __name__ == "__main__":
    sys.exit(main())
