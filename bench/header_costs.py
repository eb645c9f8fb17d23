#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what it costs to include each public header alone, for the pages of docs/reference.

A header's lines are those that the preprocessor leaves of a file that includes it, with all that it includes in turn
and without blank lines and comments. Its time is a ratio, the median of three: the user CPU time of parsing that file
over that of parsing three headers of the standard library, each beyond an empty file's. The two are measured in turns,
so that other work on the machine slows down both. The three headers' seconds are the least of all that were measured,
those of a quiet moment. docs/reference/costs.json keeps the results for docs/make_reference.py.

Usage: header_costs.py           measures the headers that costs.json lacks, and drops those that are gone
       header_costs.py --all     measures every header again, in some minutes
"""
import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

from compile_time import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from reference_pages import is_public  # noqa: E402

COSTS = ROOT / "docs" / "reference" / "costs.json"
COMPILER = "g++"
STANDARD = "#include <algorithm>\n#include <string>\n#include <vector>\n"  # as tests/package/compile_budget.cmake has


def user_seconds(command):
    """Returns the user CPU time of a command, its child processes included. Exits if the command fails."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{errors[:2000]}")
    return usage.ru_utime


class Parser:
    """Files in a folder, and the times that a compiler takes to parse them."""

    def __init__(self, folder):
        self.source = pathlib.Path(folder) / "source.cpp"
        self.least = float("inf")  # seconds of the standard headers beyond an empty file

    def seconds(self, text):
        self.source.write_text(text)
        return user_seconds([COMPILER, "-std=c++20", "-fsyntax-only", f"-I{ROOT}/include", str(self.source)])

    def ratio(self, text, runs):
        """Returns the time of a text over that of the standard headers, the median of some runs in turns."""
        found = []
        for _ in range(runs):
            empty, standard, own = self.seconds(""), self.seconds(STANDARD), self.seconds(text)
            self.least = min(self.least, standard - empty)
            found.append((own - empty) / (standard - empty))
        return statistics.median(found)


def lines_of(parser, text):
    parser.source.write_text(text)
    command = [COMPILER, "-std=c++20", "-E", "-P", f"-I{ROOT}/include", str(parser.source)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sum(1 for line in text.split("\n") if line.strip())


def machine():
    """Returns the compiler and the processor in words."""
    compiler = subprocess.run([COMPILER, "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    processor = found.group(1) if found else platform.processor()
    return {"compiler": compiler, "processor": processor}


def written(about, headers):
    """Returns the text of costs.json: a line for each header, so that two branches merge."""
    rows = [f"    {json.dumps(name)}: {json.dumps(headers[name])}" for name in sorted(headers)]
    return json.dumps(about)[:-1] + ',\n  "headers": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def main():
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--all", action="store_true", help="measure every header again")
    command.add_argument("--runs", type=int, default=3, help="runs of which the median counts")
    options = command.parse_args()
    kept = json.loads(COSTS.read_text()) if COSTS.exists() and not options.all else {"headers": {}}
    base = ROOT / "include" / "chimera"
    present = sorted(str(path.relative_to(base)) for path in base.rglob("*.hpp") if is_public(path, base))
    headers = {name: cost for name, cost in kept["headers"].items() if name in present}
    about = {key: value for key, value in kept.items() if key != "headers"} or machine()
    with tempfile.TemporaryDirectory() as folder:
        parser, loads = Parser(folder), []
        for name in [n for n in present if n not in headers]:
            text = f"#include <chimera/{name}>\n"
            headers[name] = [lines_of(parser, text), round(max(0.0, parser.ratio(text, options.runs)), 2)]
            print(f"{name}: {headers[name][0]} lines, {headers[name][1]:.2f} times the standard headers", flush=True)
            loads.append(os.getloadavg()[0])
            if not kept["headers"]:
                about["standard"] = round(parser.least, 3)
                about["load"] = f"load {min(loads):.0f} to {max(loads):.0f} on {os.cpu_count()} cores"
            COSTS.write_text(written(about, headers))
    COSTS.write_text(written(about, headers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
