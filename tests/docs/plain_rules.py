#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of docs/plain.py finds a text that breaks it, and leaves its twin alone."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "docs"))
import plain  # noqa: E402

PAIRS = {  # rule: words of its message, a text that breaks it, a twin that does not
    "a sentence too long": ("31 words", "A " + "word " * 29 + "more.", "A " + "word " * 28 + "more."),
    "a mean too long": ("on average", "A " + "word " * 15 + "more.", "A " + "word " * 14 + "more."),
    "what": ("opens with “What”", "What is kept stays.", "What is kept?"),
    "where": ("opens with “Where”", "It works. Where it fails, it says so.", "It works, where it can."),
    "a list": ("opens with “Whether”", "- Whether it works.", "- Works it does."),
    "the same": ("opens with “The same”", "The same in C++.", "It is the same in C++."),
    "a bracket": ("opens with “Which”", "It ends. (Which is good.)", "It ends. (This is good.)"),
    "a link": ("opens with “What”", "[What it does](a.md) is said there.", "[The page](a.md) says so."),
    "after code": ("goes on", "```sh\nls\n```\n\nlists files.", "```sh\nls\n```\n\n`ls` lists files."),
    "a library's name": ("goes on", "cuda is there.", "cuDNN is there. chimera is there."),
    "a riddle": ("a riddle", "| a | nobody |", "| a | no person |"),
    "a long line": ("columns", "```\n" + "x" * 121 + "\n```",
                    "```output\n" + "x" * 121 + "\n```\n| " + "x" * 121 + " |"),
}


def main():
    bad = 0
    for rule, (message, broken, twin) in PAIRS.items():
        found = [what for _, what in plain.Page(broken).broken]
        if len(found) != 1 and rule != "a sentence too long" or not any(message in what for what in found):
            bad += 1
            print(f"{rule}: expected “{message}”, found {found}")
        if left := [what for _, what in plain.Page(twin).broken if message in what]:
            bad += 1
            print(f"{rule}: its twin breaks it: {left}")
    print(f"{len(PAIRS)} rules")
    sys.exit(1 if bad else 0)


main()
