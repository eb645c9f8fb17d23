#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the page of bench/gpu.sh to standard output, in Markdown, from the logs of its steps.

    bench/gpu_report.py FOLDER

The folder holds environment, tests, sanitize, ours-SUITE and peer-PART; the page names what is missing or cut off and is made of the
rest. Needs Python 3.9 and nothing else.
"""

import pathlib
import sys

from gpu_page import head, health, logs, suites, work_tables
from gpu_page.goals import goals
from gpu_page.published import published
from gpu_page.results import Pairs
from gpu_page.words import number


def page(folder):
    read = logs.read_all(folder)
    pairs, of = Pairs(read), head.machine(read)
    peak = number(of, "peak")
    return [*head.head(read, pairs), *goals(pairs, of), *work_tables.blocks(pairs, peak), *work_tables.models(pairs, peak),
            *work_tables.llama(pairs, peak), *published(), *suites.products(read, peak), *suites.graph(read), *suites.loopback(read),
            *work_tables.ways(read, pairs), *health.tests(read["tests"]), *health.sanitizer(read["sanitize"])]


def refuse(message):
    print(f"gpu_report.py: {message}", file=sys.stderr)
    sys.exit(2)


def main():
    if len(sys.argv) != 2:
        refuse("one folder of logs is read (build/gpu/log of bench/gpu.sh) give it")
    folder = pathlib.Path(sys.argv[1])
    if not folder.is_dir():
        refuse(f"no folder {folder} (bench/gpu.sh leaves its logs in build/gpu/log) give one that is there")
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(page(folder)).rstrip())


if __name__ == "__main__":
    main()
