#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of docs/header_rules.py finds a declaration that breaks it, and leaves its twin alone."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "docs"))
import header_parser  # noqa: E402
import header_rules  # noqa: E402

GOOD = "/// Returns the sum."
PAIRS = {  # rule: words of its message, a declaration that breaks it, a twin that does not
    "an opening": ('opens with "What"', "/// What it sums.\nint sum(int a);", f"{GOOD}\nint sum(int a);"),
    "an adjective": ('opens with "Most"', "/// Most units.\nint sum(int a);", "/// The most units.\nint sum(int a);"),
    "a plural": ('opens with "Ticks"', "/// Ticks of a row.\nint sum(int a);", "/// Counts ticks.\nint sum(int a);"),
    "a later sentence": ('a sentence that opens with "Where"', f"{GOOD} Where it\n/// fails, it throws.\nint sum(int a);",
                         f"{GOOD} It throws where it\n/// fails.\nint sum(int a);"),
    "a riddle": ('says "nobody"', f"{GOOD} It needs nobody.\nint sum(int a);", f"{GOOD} It needs no one.\nint sum(int a);"),
    "a preposition": ("names a parameter", f"{GOOD}\nint sum(int of);", f"{GOOD}\nint sum(int order);"),
    "a private name": ("`detail::`", f"{GOOD}\ndetail::number sum(int a);", f"{GOOD}\nint64 sum(int a);"),
}


def faults(declaration):
    text = f"namespace chimera {{\n\n{declaration}\n\n}}  // namespace chimera\n"
    return [fault for one in header_parser.public(text) for fault in header_rules.faults_of(one)]


def main():
    bad = 0
    for rule, (message, broken, twin) in PAIRS.items():
        found = faults(broken)
        if len(found) != 1 or message not in found[0]:
            bad += 1
            print(f"{rule}: expected one “{message}”, found {found}")
        if left := faults(twin):
            bad += 1
            print(f"{rule}: its twin breaks it: {left}")
    print(f"{len(PAIRS)} rules")
    sys.exit(1 if bad else 0)


main()
