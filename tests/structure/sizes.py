#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no file of the library and the executor has more than 350 lines, and no function more than 40.

A file that says "Generated" in its first three lines may be longer. A function is a brace after a parameter list (with
what may follow one: const, noexcept, a trailing type, an initialiser list); its lines are those from the brace to its
partner, both included. Lambdas count as part of the function around them. Prints a line for each fault; exit 1 if any.

Usage: sizes.py [ROOT]
"""
import pathlib
import re
import sys

import report

FILE, FUNCTION = 350, 40
SUFFIXES = {".hpp", ".cpp", ".cu", ".cuh", ".inl"}
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
HEAD = re.compile(r"\)\s*(?:(?:const|noexcept|override|final|mutable|&&?|->\s*[\w:<>,&*\s]+?)\s*)*(?::[^;]*)?$")
INITIALISER = re.compile(r"\)\s*(?:noexcept\s*)?:[^;]*[\w>]\s*$")  # a member's brace in a constructor's list


def opens_function(text, brace, start):
    """Says if the brace at `brace` opens a function's body; `start` is where the statement begins."""
    head = text[start:brace]
    if "(" not in head or not HEAD.search(head):
        return False
    if re.search(r"\brequires\s*\($|\brequires\b[^;]*$", head) and "concept" in head:
        return False
    return not re.match(r"\s*(?:else\s+)?(?:if|for|while|switch|catch|do|return)\b", head) and "namespace" not in head


def end_of(text, brace):
    """Returns the place behind the partner of a brace."""
    depth, at = 1, brace + 1
    while at < len(text) and depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def functions(text):
    """Yields (first line, lines) of each outermost function."""
    text = NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)
    start, i = 0, 0
    while i < len(text):
        c = text[i]
        if c == "{" and INITIALISER.search(text[start:i]):
            i = end_of(text, i)
            continue
        if c == "{" and opens_function(text, i, start):
            j = end_of(text, i)
            yield text.count("\n", 0, i) + 1, text.count("\n", i, j) + 1
            start = i = j
            continue
        if c in ";{}" or (c == ":" and re.search(r"\b(?:public|private|protected)\s*$", text[start:i])):
            start = i + 1
        i += 1


def check(root):
    faults = []
    for top in ("include/chimera", "executor"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SUFFIXES:
                continue
            text, name = file.read_text(), file.relative_to(root)
            lines = text.count("\n")
            if lines > FILE and "enerated" not in "".join(text.splitlines(True)[:3]):
                faults.append(f"{name}: {lines} lines (at most {FILE})")
            faults += [f"{name}:{at}: a function of {size} lines (at most {FUNCTION})"
                       for at, size in functions(text) if size > FUNCTION]
    return faults


if __name__ == "__main__":
    sys.exit(report.of(check))
