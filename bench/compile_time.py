#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a constexpr table costs the compiler: user seconds and peak memory over an empty file, medians of five.

    bench/compile_time.py [--runs N] [--compilers g++,clang++-16] [--families] [--headers] [--check]

The budget: at most 3 s and 400 MB over an empty file on GCC without any special flag, for bidirectional with 64 stages x
256 micro-batches, and, with --families, for every family on 16 workers x 64 micro-batches; with --headers, at most 1 s for
including everything and 0.4 s for the headers of core. With --check the exit status is 1 when it is broken.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = [(8, 32), (32, 128), (64, 256)]  # bidirectional: stages, micro-batches
BUDGET = {"seconds": 3.0, "megabytes": 400.0}
HEADERS = [("core", 0.4), ("chimera.hpp", 1.0)]  # included, and no more; seconds

TABLE = """#include <chimera/core/query.hpp>
#include <chimera/schedule{header}.hpp>
#include <chimera/core/fixed_schedule.hpp>
using namespace chimera;
constexpr auto& table = table_of<{spec}>;
static_assert(makespan(table) > 0);
const void* use() {{ return &table; }}
"""

# Every family on 16 workers, 64 micro-batches.
FAMILIES = [
    "gpipe{16, 64}", "one_f_one_b{16, 64}", "gems{16, 64}",
    "bidirectional{16, 64}", "bidirectional{16, 64, 8}", "bidirectional{16, 64, 2, scale::doubling}",
    "bidirectional{16, 64, 2, scale::halving}", "bidirectional{16, 64, 2, scale::direct, true}",
    "interleaved{32, 64, 2}", "interleaved{32, 64, 2, 8}", "breadth_first{32, 64, 2}", "zb_h1{16, 64}", "zb_h2{16, 64}",
    "zb_interleaved{32, 64, 2}", "zb_v{32, 64}", "v_half{32, 64}", "v_min{32, 64}", "v_1f1b{32, 64}",
    "zb_h1{16, 64, 10, 13, 7, 2}", "zb_h2{16, 64, 10, 13, 7, 2}", "zb_interleaved{32, 64, 2, 0, 10, 13, 7, 2}",
    "zb_v{32, 64, 0, 10, 13, 7, 2}", "v_half{32, 64, 0, 10, 13, 7, 2}", "v_min{32, 64, 0, 10, 13, 7, 2}",
    "v_1f1b{32, 64, 10, 13, 7, 2}", "dualpipe{16, 64}", "dualpipe_v{32, 64}",
    "wave{32, 64}", "wave{64, 64, 2}", "bitpipe{32, 64}", "data_parallel{1, 64, 16}", "pipedream{16, 64}",
    "pipedream_2bw{16, 64}",
]


def compile_once(compiler, source):
    """User seconds and peak megabytes of one compilation, its child processes included."""
    flags = ["-fconstexpr-steps=100000000"] if "clang" in compiler else []
    command = [compiler, "-std=c++20", "-c", str(source), "-o", os.devnull, f"-I{ROOT}/include", *flags]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{errors[:2000]}")
    return usage.ru_utime, usage.ru_maxrss / 1024


def include(what):
    """The lines that include a header, or all of a folder."""
    base = ROOT / "include"
    found = sorted((base / "chimera" / what).glob("*.hpp")) or [base / "chimera" / what]
    return "".join(f"#include <{path.relative_to(base)}>\n" for path in found)


def median(compiler, source, runs):
    samples = [compile_once(compiler, source) for _ in range(runs)]
    return [statistics.median(column) for column in zip(*samples)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--compilers", default="g++,clang++-16")
    parser.add_argument("--check", action="store_true", help="exit 1 when the budget is broken")
    parser.add_argument("--headers", action="store_true", help="also what the headers cost that are included alone")
    parser.add_argument("--families", action="store_true", help="also every family on 16 workers x 64 micro-batches")
    options = parser.parse_args()

    cases = [(f"bidirectional{{{d}, {n}}}", "/bidirectional", BUDGET["seconds"]) for d, n in SIZES]
    if options.families:
        cases += [(spec, "", BUDGET["seconds"]) for spec in FAMILIES]
    sources = [(spec, TABLE.format(header=header, spec=spec), limit) for spec, header, limit in cases]
    if options.headers:
        sources += [(what, include(what), limit) for what, limit in HEADERS]
    kept = True
    print(f"{'compiler':10} {'table':46} {'seconds':>8} {'MB':>6}   over an empty file, medians of {options.runs}")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "table.cpp"
        for compiler in options.compilers.split(","):
            if not shutil.which(compiler):
                print(f"{compiler:10} not found, skipped")
                continue
            source.write_text("")
            empty = median(compiler, source, options.runs)
            for spec, text, limit in sources:
                source.write_text(text)
                full = median(compiler, source, options.runs)
                seconds, megabytes = full[0] - empty[0], full[1] - empty[1]
                print(f"{compiler:10} {spec:46} {seconds:8.2f} {megabytes:6.0f}", flush=True)
                if compiler.startswith("g++"):
                    kept = kept and seconds <= limit and megabytes <= BUDGET["megabytes"]
    print(f"budget for GCC: {BUDGET['seconds']} s, {BUDGET['megabytes']:.0f} MB: {'kept' if kept else 'BROKEN'}")
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    sys.exit(main())
