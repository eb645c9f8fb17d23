#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/: one page for each folder of include/chimera, from the headers' own /// comments.

Public is what stands in namespace chimera and in its `laws` and `at`, with the members, enumerators and requirements of
types and concepts. Each of them has a description: a /// line above it, or ///< behind it. header_members.py names the
exceptions with their reason.

Usage: make_reference.py            writes the pages
       make_reference.py --check    prints pages that are out of date, names without a description, headers without a
                                    cost, links that lead nowhere and each fault by the rules of header_rules.py; exit 1
                                    if there is any
       make_reference.py --faults [FOLDER ...]   prints the faults alone, of these folders; exit 1 if there is any
"""
import argparse
import collections
import functools
import json
import pathlib
import re
import sys

import header_members
import header_rules
from header_parser import public
from reference_pages import Page, entries, is_public, put_entry

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


def header_order(folder):
    """Returns the headers of a folder, those of the folders in it, and the one that includes them all."""
    within = sorted((headers / folder).glob("*.hpp")) + sorted((headers / folder).glob("*/*.hpp"))
    return within + [path for path in [headers / f"{folder}.hpp"] if path.exists()]


@functools.cache
def costs():
    return json.loads((pages / "costs.json").read_text(encoding="utf-8"))


def measured(path):
    """Returns the lines and seconds that including a header alone costs, or nothing."""
    found = costs()["headers"].get(str(path.relative_to(headers)))
    return found and (found[0], found[1] * costs()["standard"])


def cost_of(path):
    return "Included alone: {:,} lines, {:.2f} s.".format(*measured(path)) if measured(path) else ""


def make_page(folder, line):
    page = Page(f"{folder}.md")
    page.put(f"# {folder}", "", f"{line} [What including a header costs](README.md#what-including-a-header-costs) "
             "says how the lines and seconds below are measured.")
    for path in header_order(folder):
        groups = entries(path.read_text(encoding="utf-8"))
        page.header = str(path.relative_to(headers))
        if groups:
            page.put("", f"## `<chimera/{page.header}>`", "", cost_of(path))
        for group in groups:
            put_entry(page, group)
    return page


def index_of(made):
    """Returns the lines of the index: every name with its link, under its first letter; a name that stands in several
    headers comes with its header."""
    all_of_them = sorted(((path, page.name, anchor, header) for page in made for path, anchor, header in page.placed),
                         key=lambda row: (row[0].lower(), row[1], row[3]))
    often = collections.Counter(path for path, *_ in all_of_them)
    lines, letter = [], ""
    for path, page, anchor, header in all_of_them:
        if path[0].upper() != letter:
            letter = path[0].upper()
            lines += ["", f"### {letter}", ""]
        where = f" ({header.removesuffix('.hpp')})" if often[path] > 1 else ""
        lines.append(f"[`{path}`]({page}#{anchor}){where},")
    return [line.rstrip(",") if not following else line for line, following in zip(lines, [*lines[1:], ""])]


def make_first_page(made):
    """Returns the page of the folders, of what including costs, and of all names."""
    about = costs()
    rows = ["| `<chimera/{}>` | {:,} | {:.2f} |".format(path.name, *(measured(path) or (0, 0)))
            for path in sorted(headers.glob("*.hpp"))]
    return "\n".join([
        "# Reference", "",
        "Every public name of `include/chimera` and of its members, written by `docs/make_reference.py` from the "
        "comments beside the declarations. `#include <chimera/chimera.hpp>` brings all of core, algebra, schedule, "
        "verify, program and simulate; `<chimera/render.hpp>`, `model.hpp`, `partition.hpp`, `plan.hpp`, `search.hpp` "
        "and `run.hpp` bring the rest.", "", "| page | |", "|---|---|",
        *(f"| [{folder}]({folder}.md) | {line} |" for folder, line in FOLDERS.items()),
        "", "## What including a header costs", "",
        "The pages say for each header what a file costs that includes it and nothing else. Lines are those after "
        "preprocessing, the standard library's included, blank ones left out. Seconds are those of parsing beyond an "
        "empty file. Headers share most of both: what is included twice is parsed once.", "",
        "Each is measured in turns with `<algorithm>`, `<string>` and `<vector>` together, in user CPU time. The "
        "seconds are the median ratio of three, times the least that those took at any time: "
        f"{about['standard']:.2f} s. {about['compiler']}, {about['processor']}, {about['load']}; "
        "`python3 bench/header_costs.py --all` measures anew.", "",
        "| header | lines | seconds |", "|---|---|---|", *rows, "", "## Names", *index_of(made), ""])


def make():
    """Returns the pages by name."""
    made = [make_page(folder, line) for folder, line in FOLDERS.items()]
    return {page.name: page.text() for page in made} | {"README.md": make_first_page(made)}


def silent():
    """Returns a line for each public name without a description, and for each header without a cost."""
    found = []
    for folder in FOLDERS:
        for path in header_order(folder):
            text, where = path.read_text(encoding="utf-8"), path.relative_to(root)
            found += [f"{where}:{line}: no description: {name}" for line, name in header_members.undescribed(text)]
    for path in sorted(headers.rglob("*.hpp")):
        if is_public(path, headers) and not measured(path):
            found.append(f"{path.relative_to(root)}: no cost of inclusion: run bench/header_costs.py")
    return found


def broken_links(made):
    """Returns a line for each link from a page to another that leads nowhere."""
    found = []
    for name, text in made.items():
        for page, anchor in re.findall(r"\]\((\w+\.md)#([\w-]+)\)", text):
            heading = anchor.replace("-", " ")
            target = made.get(page, "")
            if f'<a id="{anchor}"></a>' not in target and f"## {heading}\n" not in target.lower():
                found.append(f"docs/reference/{name}: {page}#{anchor} is not there")
    return found


# The folders whose comments and signatures --check holds to the rules; `--faults` lists what the others still lack.
HELD = tuple(FOLDERS)


def faults(folders):
    """Returns a line for each fault of the folders' public comments and signatures."""
    found = []
    for folder in folders:
        for path in header_order(folder):
            text, where = path.read_text(encoding="utf-8"), path.relative_to(root)
            found += [f"{where}:{n}: longer than {header_rules.COLUMNS} columns" for n in header_rules.long_lines(text)]
            for one in public(text):
                all_of_it = [one, *header_members.inside(one)]
                found += [f"{where}: {fault}" for d in all_of_it for fault in header_rules.faults_of(d)]
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
    made = make()
    lines = silent() + broken_links(made)
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
