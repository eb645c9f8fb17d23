#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what it costs to include each header alone, for the pages of docs/reference.

A header's lines are those that the preprocessor leaves of a file that includes it, with all that it includes in turn
and without blank lines and comments. Its seconds are user CPU time of parsing that file over an empty one, medians of
three.
The results are written to docs/reference/costs.json, which docs/make_reference.py reads.

Usage: header_costs.py           measures the headers that costs.json lacks, and drops those that are gone
       header_costs.py --all     measures every header again, in a few minutes
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

COSTS = ROOT / "docs" / "reference" / "costs.json"
COMPILER = "g++"


def user_seconds(command):
    """Returns the user CPU time of a command, its child processes included. Exits if the command fails."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{errors[:2000]}")
    return usage.ru_utime


def parse_seconds(source, runs):
    command = [COMPILER, "-std=c++20", "-fsyntax-only", f"-I{ROOT}/include", str(source)]
    return statistics.median(user_seconds(command) for _ in range(runs))


def lines_of(source):
    command = [COMPILER, "-std=c++20", "-E", "-P", f"-I{ROOT}/include", str(source)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sum(1 for line in text.split("\n") if line.strip())


def machine():
    """Returns the compiler, the processor and the load of the machine in words."""
    compiler = subprocess.run([COMPILER, "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    processor = found.group(1) if found else platform.processor()
    load = f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores busy"
    return {"compiler": compiler, "processor": processor, "load": load}


def written(about, headers):
    """Returns the text of costs.json: a line for each header, so that two branches merge."""
    rows = [f"    {json.dumps(name)}: {json.dumps(headers[name])}" for name in sorted(headers)]
    return json.dumps(about)[:-1] + ',\n  "headers": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="measure every header again")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median counts")
    options = parser.parse_args()
    kept = json.loads(COSTS.read_text()) if COSTS.exists() and not options.all else {"headers": {}}
    base = ROOT / "include" / "chimera"
    present = sorted(str(path.relative_to(base)) for path in base.rglob("*.hpp"))
    headers = {name: cost for name, cost in kept["headers"].items() if name in present}
    about = {key: value for key, value in kept.items() if key != "headers"} or machine()
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "source.cpp"
        source.write_text("")
        empty = parse_seconds(source, options.runs)
        for name in [n for n in present if n not in headers]:
            source.write_text(f"#include <chimera/{name}>\n")
            headers[name] = [lines_of(source), round(max(0.0, parse_seconds(source, options.runs) - empty), 2)]
            print(f"{name}: {headers[name][0]} lines, {headers[name][1]:.2f} s", flush=True)
            COSTS.write_text(written(about, headers))
    COSTS.write_text(written(about, headers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
