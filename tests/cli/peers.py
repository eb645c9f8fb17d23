#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the program's orders beside those that peers' generators gave. Usage: peers.py PROGRAM

tests/fixtures/peer_schedules.csv has orders of PyTorch 2.15, sail-sg's zero-bubble, DualPipe and Chimera's own code, played
in order by an independent simulator. A row has the workers, micro-batches, times of a worker's share (F, I, W) and of a hop
(T), the makespan, the peak in activations of a share, the copies of the weights, and whether backwards are split. `ours` names
the family of the same kind, or a search; it is empty where none of the same name is there.

An order of ours may not be longer than a peer's that holds no more activations. Where no family is named, some family of ours
that holds no more activations and copies, and splits no more, may not be longer. Exit 1 with a line for each that is longer.
"""
import collections
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROWS = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "peer_schedules.csv"
PLAIN = ["gpipe", "one_f_one_b", "interleaved", "interleaved --chunks 4", "breadth_first", "dualpipe", "dualpipe_v", "wave",
         "wave --waves 2", "bidirectional", "v_1f1b", "zb_h1", "zb_h2", "zb_v", "v_half", "v_min", "zb_interleaved"]
SPLIT = re.compile(r"zb_|v_half|v_min|dualpipe")
CLOSE = 1 + 1e-9


class Program:
    def __init__(self, path, folder):
        self.path, self.costs = path, pathlib.Path(folder) / "costs.json"

    def run(self, row, *words):
        f, i, w, t = (float(row[k]) for k in "FIWT")
        self.costs.write_text(json.dumps({"format": "chimera.costs", "version": 1, "forward": f, "backward": i + w,
                                          "input_gradient": i, "weight_gradient": w, "transfer": t}))
        ran = subprocess.run([self.path, *words, "--micro-batches", row["micro_batches"], "--costs", str(self.costs)],
                             capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"{' '.join(words)}: {ran.stderr}")
        return ran.stdout


def special(row, workers):
    """The entries that hold exactly a row's peak, for rows without a family of their name."""
    peak, chunks = float(row["peak"]), int(row["peer"].split()[-1]) if row["peer"].startswith("pytorch zb1p ") else 0
    if row["peer"] == "sail v_auto":
        return [f"v_half --activations {max(int(2 * peak), 2 * ((workers + 4) // 3))}"]
    return [f"zb_interleaved --chunks {chunks} --activations {int(chunks * peak)}"] if chunks else []


def longer(row, ours):
    """The line of a row whose order is shorter than ours; nothing where ours holds."""
    goal, peak = float(row["makespan"]) * CLOSE, float(row["peak"]) + 1e-9
    if row["ours"]:
        own = ours.get(row["ours"])
        if own is None:
            return f"{row['ours']} is refused"
        return f"{row['ours']} takes {own[0]:.6g}" if own[0] > goal and float(row["peak"]) <= own[1] + 1e-9 else ""
    fit = {name: span for name, (span, held, copies) in ours.items()
           if held <= peak and copies <= float(row["copies"]) + 1e-9 and (row["split"] == "1" or not SPLIT.match(name))}
    best = min(fit, key=fit.get, default=None)
    return "" if best and fit[best] <= goal else f"the best is {best}, {fit.get(best, 0):.6g}"


def compared(program, key, rows):
    workers = int(key[0])
    entries = PLAIN + sorted({e for r in rows if not r["ours"] for e in special(r, workers)})
    found = json.loads(program.run(rows[0], "compare", *entries, "--workers", key[0], "--format", "json"))
    ours = {f["family"]: (f["makespan"], f["peak_activations"] * f["stage_share"], f["weights"] * f["stage_share"])
            for f in found["families"]}
    return [longer(row, ours) for row in rows]


def searched(program, row):
    place = row["ours"].split()[1]
    stages = int(row["workers"]) * (2 if place == "fold" else 1)
    text = program.run(row, "search", "--stages", str(stages), "--memory", row["peak"], "--kept", row["kept"] or "1",
                       "--placement", place, "--time-limit", "3", "--quiet")
    span = float(re.search(r"^makespan +([\d.e+]+)", text, re.M)[1])
    return f"search finds {span:.6g}" if span > float(row["makespan"]) * (1 + 1e-6) else ""


def main():
    groups, lines = collections.defaultdict(list), []
    with open(ROWS, encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        program = Program(sys.argv[1], folder)
        for row in csv.DictReader(file):
            if row["ours"].startswith("search"):
                lines.append((row, searched(program, row)))
            else:
                groups[tuple(row[k] for k in ("workers", "micro_batches", *"FIWT"))].append(row)
        for key, rows in groups.items():
            lines += zip(rows, compared(program, key, rows))
    for row, line in lines:
        if line:
            print(", ".join(f"{k} {v}" for k, v in row.items() if v) + ": " + line)
    worse = sum(1 for _, line in lines if line)
    print(f"{len(lines)} rows, {worse} with a longer order of ours")
    return 1 if worse or len(lines) != 498 else 0


if __name__ == "__main__":
    sys.exit(main())
