#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a constexpr table costs the compiler: user seconds and peak memory over an empty file, medians of five.

    bench/compile_time.py [--runs N] [--compilers g++,clang++-16] [--check]

The budget: 64 stages x 256 micro-batches on GCC without any special flag, at most 3 s and 400 MB over an empty file.
With --check the exit status is 1 when it is broken.
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
SIZES = [(8, 32), (32, 128), (64, 256)]
BUDGET = {"seconds": 3.0, "megabytes": 400.0}

TABLE = """#include <chimera/core/query.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/core/fixed.hpp>
using namespace chimera;
constexpr auto& table = fixed<bidirectional{{.stages = {stages}, .micro_batches = {micro_batches}}}>;
static_assert(makespan(table) == 2 * {micro_batches} + {stages} - 2);
const void* use() {{ return &table; }}
"""


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


def median(compiler, source, runs):
    samples = [compile_once(compiler, source) for _ in range(runs)]
    return [statistics.median(column) for column in zip(*samples)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--compilers", default="g++,clang++-16")
    parser.add_argument("--check", action="store_true", help="exit 1 when the budget is broken")
    options = parser.parse_args()

    kept = True
    print(f"{'compiler':12} {'table':>10} {'seconds':>8} {'MB':>6}   over an empty file, medians of {options.runs}")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "table.cpp"
        for compiler in options.compilers.split(","):
            if not shutil.which(compiler):
                print(f"{compiler:12} not found, skipped")
                continue
            source.write_text("")
            empty = median(compiler, source, options.runs)
            for stages, micro_batches in SIZES:
                source.write_text(TABLE.format(stages=stages, micro_batches=micro_batches))
                full = median(compiler, source, options.runs)
                seconds, megabytes = full[0] - empty[0], full[1] - empty[1]
                print(f"{compiler:12} {f'{stages}x{micro_batches}':>10} {seconds:8.2f} {megabytes:6.0f}", flush=True)
                if (stages, micro_batches) == SIZES[-1] and compiler.startswith("g++"):
                    kept = seconds <= BUDGET["seconds"] and megabytes <= BUDGET["megabytes"]
    print(f"budget for GCC at 64x256: {BUDGET['seconds']} s, {BUDGET['megabytes']:.0f} MB: {'kept' if kept else 'BROKEN'}")
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    sys.exit(main())
