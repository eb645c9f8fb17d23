#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs as C++ headers. Usage: cpp.py PROGRAM COMPILER INCLUDE

Headers of families, of an order that the search found and of files are compiled into one program, which prints their tables as JSON:
byte for byte what the command writes as JSON. Headers that were edited do not compile.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from failures import fail, finish

PROGRAM, COMPILER, INCLUDE = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2], sys.argv[3]
draw = random.Random(11)


def chimera(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120)


def written(*arguments):
    done = chimera(*arguments)
    if done.returncode != 0:
        fail(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def compile_text(text, *flags):
    command = [COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}", "-I.", *flags, "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)


def some_sources():
    """Arguments of `chimera program`, by the name of their table."""
    d, n = draw.randrange(3, 8), draw.randrange(1, 20)
    families = [
        ("one_f_one_b", "--stages", d, "--micro-batches", n, "--width", 2),
        ("bidirectional", "--stages", 6, "--micro-batches", 7, "--scale", "doubling", "--recompute", "0,3"),
        ("bidirectional", "--stages", 4, "--micro-batches", 12, "--scale", "halving"),
        ("interleaved", "--stages", 9, "--micro-batches", 6, "--chunks", 3, "--sync", "lazy"),
        ("zb_v", "--stages", 2 * d, "--micro-batches", n, "--hop-ticks", 1),
        ("dualpipe", "--stages", 6, "--micro-batches", 14),
        ("pipedream", "--stages", d, "--micro-batches", n),
        ("pipedream_2bw", "--stages", 3, "--micro-batches", 9, "--update-every", 3),
        ("gems", "--stages", 1, "--micro-batches", 2),
    ]
    out = {f"drawn_{k}": [str(a) for a in family] for k, family in enumerate(families)}
    written("search", "--stages", "3", "--micro-batches", "5", "--format", "json", "-o", "found.json")
    written("schedule", "zb_h1", "--stages", "5", "--micro-batches", "9", "--format", "csv", "-o", "order.csv")
    written("program", "wave", "--stages", "6", "--micro-batches", "5", "--format", "json", "-o", "whole.json")
    out["found"] = ["found.json", "--sync", "eager"]
    out["order"] = ["order.csv"]
    out["whole"] = ["./whole.json"]
    return out


def check_tables():
    sources = some_sources()
    text = "#include <chimera/render/json.hpp>\n#include <cstdio>\n#include <cstring>\n"
    for name, arguments in sources.items():
        header = written("program", *arguments, "--format", "cpp", "--name", name)
        if header != written("program", *arguments, "--format", "cpp", "--name", name):
            fail(f"{name}: written twice, it differs")
        if any(len(line) > 200 for line in header.split("\n")):
            fail(f"{name}: a line is longer than 200 columns")
        pathlib.Path(f"{name}.hpp").write_text(header, encoding="utf-8")
        text += f"#include <{name}.hpp>\nstatic_assert({name}::table.head.workers > 0);\n"
    text += "int main(int, char** v) {\n"
    for name in sources:
        text += f'    if (!std::strcmp(v[1], "{name}")) return std::fputs(chimera::json({name}::table).c_str(), stdout) < 0;\n'
    done = compile_text(text + "    return 3;\n}\n", "-o", "tables")
    if done.returncode != 0:
        return fail(done.stderr[:3000])
    for name, arguments in sources.items():
        seen = subprocess.run(["./tables", name], capture_output=True, text=True, check=False, timeout=60).stdout
        if seen != written("program", *arguments, "--format", "json"):
            fail(f"{name}: the table of the header is not the program")
    return None


def check_edits():
    """Changes one number of a header: of an instruction, of a list, or of the sizes."""
    arguments = ["program", "interleaved", "--stages", "6", "--micro-batches", "12", "--format", "cpp"]
    lines = written(*arguments, "--name", "t").split("\n")
    kinds = {"instruction": [i for i, line in enumerate(lines) if line.startswith("    {op::")],
             "list": [i for i, line in enumerate(lines) if re.search(r"> (placement|members|buffer_counts)\{", line)],
             "sizes": [i for i, line in enumerate(lines) if ".micro_batches" in line]}
    for kind, places in kinds.items():
        for _ in range(2):
            edited, place = list(lines), draw.choice(places)
            numbers = list(re.finditer(r"(?<=[{ ])-?\d+(?=[,}])", edited[place]))
            chosen = draw.choice(numbers)
            flip = kind == "instruction" and chosen == numbers[1]  # a bit
            value = 1 - int(chosen[0]) if flip else int(chosen[0]) + 1
            edited[place] = edited[place][:chosen.start()] + str(value) + edited[place][chosen.end():]
            done = compile_text("\n".join(edited), "-fsyntax-only", "-Wno-pragma-once-outside-header")
            if done.returncode == 0 or "static assertion failed" not in done.stderr.replace("static_assert failed", "static assertion failed"):
                fail(f"{edited[place]} instead of {lines[place]}: {done.stderr[:300]}")


def check_refusals():
    family = ["program", "gpipe", "--stages", "2", "--micro-batches", "2"]
    for arguments, words in (
            ([*family, "--format", "cpp", "--name", "class"], "cannot name a table"),
            ([*family, "--format", "cpp", "--name", "2nd"], "cannot name a table"),
            ([*family, "--format", "cpp", "--name", "a__b"], "cannot name a table"),
            ([*family, "--format", "cpp", "--name", "a\nb"], "cannot name a table"),
            ([*family, "--format", "cpp", "--name", ""], "cannot name a table"),
            ([*family, "--name", "a"], "--name does not apply"),
            (["program", "found.json", "--format", "cpp"], "--name is missing"),
            (["program", "whole.json", "--sync", "lazy", "--format", "cpp", "--name", "a"], "lowered already"),
            (["program", "found.json", "--stages", "4"], "options of families do not apply"),
            (["program", "nowhere.json"], "nowhere.json")):
        done = chimera(*arguments)
        if done.returncode != 2 or words not in done.stderr or done.stderr.count("\n") != 1 or done.stdout:
            fail(f"{arguments}: {done.returncode} {done.stderr!r}")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    check_tables()
    check_edits()
    check_refusals()
finish()
