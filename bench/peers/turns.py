#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets programs take turns: each does steps on request, so that all meet the same machine. Prints a table in Markdown.

    turns.py [--cycles N] [--steps N] [--warm N] COMMAND COMMAND ...

A program does one step for each line on its standard input and answers with the step's wall and processor seconds; at the end of its
input it says in a line of JSON what it was: name, parameters, tokens (of a step), loss, peak_kilobytes. In each cycle each program does
some steps, of which the first is not counted; the ratios are to the first program, cycle by cycle. Processor seconds well below
(wall seconds x threads) show that something else had the machine.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time


class Contender:
    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.cycles = []

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"turns.py: {shlex.join(self.process.args)} ended with status {self.process.wait()}")
        return [float(word) for word in line.split()]

    def turn(self, steps):
        self.step()
        counted = [self.step() for _ in range(steps)]
        self.cycles.append([statistics.median(column) for column in zip(*counted)])

    def end(self):
        self.process.stdin.close()
        self.what = json.loads(self.process.stdout.readlines()[-1])
        self.process.wait()

    def row(self, base):
        wall, processor = (statistics.median(column) for column in zip(*self.cycles))
        ratios = [mine[0] / theirs[0] for mine, theirs in zip(self.cycles, base.cycles)]
        middle = statistics.median(ratios)
        return (f"| {self.what['name']} | {self.what['tokens'] / wall:.0f} | {wall:.3f} | {processor:.2f} "
                f"| {middle:.2f} ({min(ratios):.2f}–{max(ratios):.2f}) | {self.what['peak_kilobytes'] / 1024:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warm", type=int, default=3)
    parser.add_argument("commands", nargs="+")
    options = parser.parse_args()
    all_of_them = [Contender(command) for command in options.commands]
    for one in all_of_them:
        for _ in range(options.warm):
            one.step()
    before = os.getloadavg()[0]
    for _ in range(options.cycles):
        for one in all_of_them:
            one.turn(options.steps)
            time.sleep(0.3)  # threads that look for work give up
    for one in all_of_them:
        one.end()
    print("| | tokens/s | wall s a step | processor s a step | times the first's wall | peak memory, MiB |")
    print("|---|---|---|---|---|---|")
    for one in all_of_them:
        print(one.row(all_of_them[0]))
    print(f"\n{all_of_them[0].what['parameters']:,} parameters; medians of {options.cycles} cycles of {options.steps} steps, in turn; load "
          f"average of the machine before and after: {before:.1f}, {os.getloadavg()[0]:.1f}.")


main()
