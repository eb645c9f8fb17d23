#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/: one page for each folder of include/chimera, from the headers' own /// comments.

Public is what stands in namespace chimera, outside `detail`. Every public function and type must say what it is.

Usage: make_reference.py            writes the pages
       make_reference.py --check    prints pages that are out of date, names without a comment and each fault by the rules
                                    of header_rules.py; exit 1 if there is any
       make_reference.py --faults [FOLDER ...]   prints the faults alone, of these folders; exit 1 if there is any
"""
import argparse
import pathlib
import re
import sys

import header_rules
from header_parser import members, public

root = pathlib.Path(__file__).resolve().parent.parent
headers = root / "include" / "chimera"
pages = root / "docs" / "reference"

FOLDERS = {  # in the order of the flow, with a line on each
    "core": "What everything is made of: slots, schedules, tables at compile time, errors.",
    "algebra": "The combinators: functions from schedules to a schedule.",
    "schedule": "The families, a struct each; `generate(spec)` makes the schedule at run time, "
                "`table_of<spec>` at compile time. `stages` are the model's, `micro_batches` of an iteration, ticks of the grid.",
    "verify": "The laws, and what a broken one says.",
    "program": "From an order to everything that an executor must not decide by itself.",
    "io": "Files into schedules and programs, at run time.",
    "run": "A driver for a trainer of your own: it walks a worker's program and calls your functions.",
    "timing": "Re-timing: the earliest start of every slot.",
    "simulate": "From a program and costs to a timeline, and its figures.",
    "search": "Looking for a shorter order, with bounds.",
    "model": "Layers, and the catalogue of models.",
    "memory": "What workers hold over an iteration.",
    "partition": "Cutting a model's layers into stages.",
    "plan": "Which family, depth, width and micro-batch: the performance model and the planner.",
    "calibrate": "Fitting a hardware's numbers to measurements.",
    "render": "Text, SVG, HTML, traces, CSV and JSON.",
}


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def without_body(signature):
    return re.sub(r"\binline (?=constexpr|\w)", "", signature).strip()


def put_fields(out, one):
    rows = []
    for m in members(one):
        if m.kind != "variable":
            continue
        value = m.text[m.body[0]:m.body[1]] if m.body else ""
        signature = re.sub(r"\s:\s\d+", "", m.signature)  # bits
        declared = re.match(r"(.*?)\s*(\w+(?:\[[^\]]*\])?)\s*(?:=\s*(.*))?$", signature)
        if not declared:
            continue
        otherwise = re.sub(r"\s+", " ", declared.group(3) or "") + value
        rows.append((declared.group(2), declared.group(1), otherwise, m.trailing or m.comment))
    if rows:
        out += ["", "| field | type | unless given | |", "|---|---|---|---|"]
        out += [f"| `{n}` | `{cell(t)}` | {'`' + cell(v) + '`' if v else ''} | {cell(c)} |" for n, t, v, c in rows]
    for m in members(one):
        comment = m.comment or m.trailing
        if m.kind == "function" and comment:
            out += ["", "```cpp", without_body(re.sub(r"\s+:\s+\w+[({].*$", "", m.signature)) + ";", "```", "", comment]


def put_enumerators(out, one):
    inside = one.text[one.body[0] + 1:one.body[1] - 1]
    rows = []
    for line in inside.split("\n"):
        code, _, comment = line.partition("///<")
        names = re.findall(r"(\w+)(?:\s*=[^,]*)?\s*(?:,|$)", code.split("//")[0].strip())
        if comment and not names and rows:
            rows[-1][1] += " " + comment.strip()
        rows += [[name, comment.strip() if name == names[-1] else ""] for name in names]
    if any(comment for _, comment in rows):
        out += ["", "| | |", "|---|---|"] + [f"| `{name}` | {cell(comment)} |" for name, comment in rows]
    elif rows and "#define" not in inside and "#undef" not in inside:
        out += ["", "One of " + ", ".join(f"`{name}`" for name, _ in rows) + "."]


def wrapped(signature):
    """A long signature over several lines, a parameter each."""
    if len(signature) <= 100 or "(" not in signature:
        return signature
    name, _, rest = signature.partition("(")
    parts, depth, start = [], 0, 0
    for i, c in enumerate(rest):
        depth += {"(": 1, "<": 1, "{": 1, "[": 1, ")": -1, ">": -1, "}": -1, "]": -1}.get(c, 0)
        if depth < 0:
            return name + "(\n    " + ",\n    ".join([*parts, rest[start:i].strip()]) + rest[i:]
        if c == "," and depth == 0:
            parts.append(rest[start:i].strip())
            start = i + 1
    return signature


def put_entry(out, group):
    first = group[0]
    out += ["", f"### `{first.name}`", ""]
    comments = [g.comment for g in group if g.comment]
    if first.kind in ("struct", "class") and first.body:
        out.append("\n\n".join(comments))
        return put_fields(out, first)
    if first.kind == "enum":
        out.append("\n\n".join(comments))
        return put_enumerators(out, first) if first.body else None
    shown = [without_body(g.signature) for g in group]
    if first.kind == "variable":
        shown = [re.split(r"\s*=\s*(?![^<]*>)", s)[0] if len(s) > 100 else s for s in shown]
    if first.kind == "concept" and first.body:
        shown = [first.signature + " " + first.text[first.body[0]:first.body[1]]]
    out += ["```cpp", *((s if first.kind == "concept" else wrapped(s)) + ";" for s in shown), "```", "", "\n\n".join(comments)]


def entries(path):
    """Declarations of a header, overloads that follow one another together; forward declarations left out."""
    groups = []
    for one in public(path.read_text(encoding="utf-8")):
        declared = one.kind in ("struct", "class", "enum") and not one.body
        if one.kind == "other" or re.match(r"template <> ", one.signature) or declared:
            continue
        if groups and one.kind == "function" and groups[-1][0].kind == "function" and groups[-1][0].name == one.name:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def header_order(folder):
    return sorted((headers / folder).glob("*.hpp")) + [p for p in [headers / f"{folder}.hpp"] if p.exists()]


def make():
    """The pages by name, and the public functions and types that say nothing."""
    made, silent, index = {}, [], []
    for folder, line in FOLDERS.items():
        out = [f"# {folder}", "", line, ""]
        names = []
        for path in header_order(folder):
            spoken = []
            for group in entries(path):
                if not any(g.comment for g in group):
                    if group[0].kind in ("function", "struct", "class", "enum", "concept"):
                        silent.append(f"{path.relative_to(root)}: {group[0].kind} {group[0].name}")
                    continue
                put_entry(spoken, group)
                names.append(group[0].name)
            if spoken:
                out += ["", f"## `<chimera/{path.relative_to(headers)}>`", *spoken]
        made[f"{folder}.md"] = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip() + "\n"
        shown = sorted(set(names), key=names.index)
        index += ["", f"**[{folder}]({folder}.md)**: {line}", "", ", ".join(f"`{n}`" for n in shown)]
    made["README.md"] = "\n".join([
        "# Reference", "",
        "Every public name of `include/chimera`, written by `docs/make_reference.py` from the comments beside the "
        "declarations. `#include <chimera/chimera.hpp>` brings all of core, algebra, schedule, verify, program and "
        "simulate; `<chimera/render.hpp>`, `model.hpp`, `partition.hpp`, `plan.hpp`, `search.hpp` and `run.hpp` bring the rest.", *index, ""])
    return made, silent


# The folders whose comments and signatures --check holds to the rules; `--faults` lists what the others still lack.
HELD = tuple(FOLDERS)


def faults(folders):
    """Returns a line for each fault of the folders' public comments and signatures."""
    found = []
    for folder in folders:
        for path in header_order(folder) + sorted((headers / folder).glob("*/*.hpp")):
            text, where = path.read_text(encoding="utf-8"), path.relative_to(root)
            found += [f"{where}:{n}: longer than {header_rules.COLUMNS} columns" for n in header_rules.long_lines(text)]
            for one in public(text):
                inside = members(one) if one.kind in ("struct", "class") and one.body else []
                found += [f"{where}: {fault}" for d in [one, *inside] for fault in header_rules.faults_of(d)]
    return found


def main():
    options = argparse.ArgumentParser(description="Writes docs/reference/ from the headers' comments.", allow_abbrev=False)
    options.add_argument("--check", action="store_true", help="print what is out of date or against the rules")
    options.add_argument("--faults", nargs="*", metavar="FOLDER", choices=list(FOLDERS), help="print faults alone")
    chosen = options.parse_args()
    if chosen.faults is not None:
        found = faults(chosen.faults or FOLDERS)
        print("".join(f"{line}\n" for line in found), end="")
        return 1 if found else 0
    made, silent = make()
    lines = [f"no /// comment: {one}" for one in silent]
    if chosen.check:
        stale = [n for n, text in made.items() if not (pages / n).exists() or (pages / n).read_text(encoding="utf-8") != text]
        stale += [p.name for p in pages.glob("*.md") if p.name not in made]
        lines += faults(HELD) + [f"docs/reference/{n} is out of date: run docs/make_reference.py" for n in stale]
    else:
        pages.mkdir(exist_ok=True)
        for name, text in made.items():
            (pages / name).write_text(text, encoding="utf-8")
    print("".join(f"{line}\n" for line in lines), end="")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
