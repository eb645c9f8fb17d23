#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that folders include each other only as their CMakeLists.txt declares, and that no two arrows make a circle.

CMakeLists.txt (for include/chimera) and executor/CMakeLists.txt each hold a list of comment lines `#   folder: folders`:
the folders whose headers a file of `folder` includes. A parent folder may include what lies in it. Prints a line for each
arrow that is not declared, each declared arrow that no file needs, each circle, each header name that two folders share
and each project header in quotation marks; exit 1 if there is any.

Usage: arrows.py [ROOT]
"""
import collections
import pathlib
import re
import sys

import report

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])((?:chimera|executor)/[^>"]+)[>"]', re.M)
DECLARED = re.compile(r"^#   ([a-z_/]+):((?: [a-z_/]+)*)$", re.M)
SUFFIXES = {".hpp", ".cpp", ".cu", ".cuh", ".inl"}


def declared(root, listing):
    """Returns {folder: folders it may include} of a CMakeLists.txt."""
    text = (root / listing).read_text()
    return {m[1]: set(m[2].split()) for m in DECLARED.finditer(text)}


def room_of(path, rooms):
    """Returns the innermost declared folder that holds `path`, or its parent if none does."""
    parts = path.split("/")[:-1]
    for size in range(len(parts), 0, -1):
        if "/".join(parts[:size]) in rooms:
            return "/".join(parts[:size])
    return "/".join(parts)


def arrows_of(root, top, rooms):
    """Returns {(from, to): a file that includes across} below `top`, and the faults of style on the way."""
    found, faults = {}, []
    prefix = "chimera/" if top.endswith("chimera") else "executor/"
    for file in sorted((root / top).rglob("*")):
        if file.suffix not in SUFFIXES:
            continue
        own = str(file.relative_to(root / top))
        for mark, target in INCLUDE.findall(file.read_text()):
            if mark == '"':
                faults.append(f"{top}/{own}: \"{target}\" stands in quotation marks, not in <>")
            if prefix == "chimera/" and target.startswith("executor/"):
                faults.append(f"{top}/{own}: includes {target} (the library does not know the executor)")
            if not target.startswith(prefix) or "/" not in own:
                continue
            a, b = room_of(own, rooms), room_of(target[len(prefix):], rooms)
            if a != b and b:
                found.setdefault((a, b), f"{top}/{own}")
    return found, faults


def circles(arrows):
    """Returns a line for each folder that reaches itself."""
    after = collections.defaultdict(set)
    for a, b in arrows:
        after[a].add(b)
    out = []
    for start in sorted(after):
        seen, todo = set(), list(after[start])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += after[at]
        if start in seen:
            out.append(f"{start}: lies on a circle of arrows")
    return out


def repeated(root):
    """Returns a line for each header name that occurs more than once in the library and the executor."""
    where = collections.defaultdict(list)
    for top in ("include/chimera", "executor"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in {".hpp", ".cuh", ".inl"}:
                where[file.name].append(str(file.relative_to(root)))
    return [f"{name}: stands {len(all_)} times ({', '.join(all_)})" for name, all_ in where.items() if len(all_) > 1]


def check(root):
    faults = repeated(root)
    for top, listing in (("include/chimera", "CMakeLists.txt"), ("executor", "executor/CMakeLists.txt")):
        rooms = declared(root, listing)
        if not rooms:
            faults.append(f"{listing}: declares no folder")
        found, style = arrows_of(root, top, rooms)
        faults += style
        wanted = {(a, b) for a, all_ in rooms.items() for b in all_}
        faults += [f"{listing}: {a} -> {b} is not declared ({found[a, b]} has it)" for a, b in sorted(set(found) - wanted)]
        faults += [f"{listing}: {a} -> {b} is declared, but no file needs it" for a, b in sorted(wanted - set(found))]
        faults += circles(set(found) | wanted)
    return faults


if __name__ == "__main__":
    sys.exit(report.of(check))
