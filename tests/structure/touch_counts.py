#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what a change of one concept touches.

usage: touch_counts.py [FOLDER]

FOLDER is another copy of the tree, such as a worktree of an older commit; its counts stand in a column of their own.
"""
import collections
import pathlib
import re
import runpy
import sys

HERE = pathlib.Path(__file__).resolve().parents[2]
DECLARED = re.compile(r"^(?:template <[^;{]*>\s*)?(?:struct|class|enum class) (\w+)[^;]*\{", re.MULTILINE)


def sources(root, *parts):
    found = {}
    for part in parts:
        for path in sorted((root / part).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h", ".inl", ".cu", ".cuh"):
                found[path.relative_to(root)] = path.read_text(encoding="utf-8")
    return found


def mention(found, word):
    return sum(re.search(rf"\b{word}\b", text) is not None for text in found.values())


def repeated(names):
    return sum(count > 1 for count in collections.Counter(names).values())


def conversions(found):
    """Places that turn a label into an enumerator or back: == "label" ?, ? "label" :, case a::b: return "label"."""
    both = re.compile(r'== "\w+"\s*\?|\? "\w+"\s*:|== "\w+"\) return \w+::|case \w+::\w+:\s*return "\w+"')
    return sum(len(both.findall(text)) for text in found.values())


def steps_of_a_family(root):
    """Files that adding the toy family touches; before there was one list, those that name a family without options."""
    script = root / "tests/structure/add_a_family.py"
    if not script.exists():
        return mention(sources(root, "include", "executor"), "v_min")
    return len(runpy.run_path(str(script))["counts"]()[0])


def rows(root):
    code = sources(root, "include", "executor")
    headers = [path for path in code if path.suffix == ".hpp"]
    public = {path: text for path, text in code.items() if path.parts[0] == "include"}
    names = [name for text in public.values() for name in set(DECLARED.findall(text))]
    yield "files that mention update_every", mention(code, "update_every")
    yield "files that mention waves", mention(code, "waves")
    yield "files that a family touches", steps_of_a_family(root)
    yield "cases of families in switches", sum(text.count("case family::") for text in code.values())
    yield "public types whose name repeats", repeated(names)
    yield "enum and string conversions by hand", conversions(code)
    yield "header names that occur more than once", repeated(path.name for path in headers)
    yield "lines of include and executor", sum(text.count("\n") for text in code.values())


def main():
    roots = [pathlib.Path(one).resolve() for one in sys.argv[1:]] + [HERE]
    table = [list(rows(root)) for root in roots]
    for row in zip(*table):
        print(f"{row[0][0]:<42}" + "".join(f"{count:>10}" for _, count in row))


if __name__ == "__main__":
    main()
