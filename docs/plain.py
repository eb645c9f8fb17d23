#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how plainly the pages are written.

    plain.py [PAGE.md ...]            prints a row for each page, and every line that breaks a rule
    plain.py --check [PAGE.md ...]    prints the broken rules alone; exit 1 if there are any

Without pages it reads README.md, CONTRIBUTING.md, CHANGELOG.md, SECURITY.md and everything in docs/. Generated pages
are left out: docs/reference has a check of its own, and the program writes the gallery.

The rules:

- The mean of a page's sentences is at most MEAN words, and no sentence is longer than LONGEST. A code span is one word.
- A sentence or list item opens with a subject or a verb, not with a word of OPENERS. A question may.
- A paragraph opens with a capital, a number or a name in code: it does not go on from a block of code above it.
- No word of RIDDLES stands in prose or in a table.
- A line has at most COLUMNS columns. Rows of tables, which Markdown cannot break, and blocks marked `output` are left
  out.
"""
import argparse
import pathlib
import re
import sys

MEAN, LONGEST, COLUMNS = 16, 30, 120
OPENERS = ("What", "Where", "Whether", "Whose", "Whom", "Who", "Which", "Of which", "The same", "As above", "Or",
           "So that")
RIDDLES = ("nobody", "whoever", "everybody", "nowhere", "whosoever")
ROOT = pathlib.Path(__file__).resolve().parent.parent
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|al|Eq|Fig|vs|cf|sec)\.$")


def pages_of_the_project():
    named = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    found = sorted((ROOT / "docs").rglob("*.md"))
    return named + [p for p in found if p.parent.name != "reference" and p.name != "gallery.md"]


def bare(text):
    """The text as it is read: links are their words, a code span is one word."""
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]+`", "`C`", text)
    return re.sub(r"[*_]{1,2}(?=\S)|(?<=\S)\*{1,2}", "", text).strip()


def blocks(text):
    """(kind, line number, text) of each paragraph, list item and row of a table; headings and code are left out."""
    kind, start, lines, fenced = "", 0, [], False

    def ended():
        if lines:
            yield kind, start, " ".join(lines)
        lines.clear()

    for number, line in enumerate(text.splitlines(), 1):
        item = re.match(r"\s*(?:[-*]|\d+\.) +", line)
        if line.startswith("```"):
            yield from ended()
            fenced = not fenced
        elif fenced or (not lines and line.startswith("    ")):
            continue
        elif not line.strip() or line.startswith(("#", "<!--")):
            yield from ended()
        elif line.startswith("|"):
            yield from ended()
            yield "row", number, line
        elif item:
            yield from ended()
            kind, start = "item", number
            lines.append(line[item.end():].strip())
        else:
            if not lines:
                kind, start = "paragraph", number
            lines.append(line.strip())
    yield from ended()


def sentences(text):
    """The sentences of a paragraph. A point ends one before a space and a capital, a digit or a code span."""
    out = [""]
    for part in re.split(r"(?<=[.?!])\s+(?=[\"'(]?[A-Z0-9`])", text):
        out[-1] = f"{out[-1]} {part}".strip()
        if not ABBREVIATIONS.search(out[-1]):
            out.append("")
    return [s for s in out if s]


def words(sentence):
    return len([w for w in sentence.split() if re.search(r"\w", w)])


def opener(sentence):
    """The word that a sentence must not open with, if it does."""
    plain = sentence.lstrip("(\"'")
    if sentence.rstrip(")\"'").endswith("?"):
        return None
    return next((o for o in OPENERS if re.match(rf"{o}\b", plain)), None)


class Page:
    """The figures of a page and its broken rules, (line number, words) each."""

    def __init__(self, text):
        self.lengths, self.broken, self.subjectless = [], [], 0
        lines = text.splitlines()
        fence, widths = None, {}
        for number, line in enumerate(lines, 1):
            if line.startswith("```"):
                fence = line if fence is None else None
            elif fence != "```output" and not line.startswith("|"):
                widths[number] = len(line)
        self.columns = max(widths.values(), default=0)
        for number in [n for n, width in widths.items() if width > COLUMNS]:
            self.broken.append((number, f"{widths[number]} columns: {lines[number - 1][:40]}…"))
        for kind, number, raw in blocks(text):
            self.read(kind, number, bare(raw))
        if self.lengths and self.mean > MEAN:
            self.broken.append((1, f"sentences of {self.mean:.1f} words on average"))
        self.broken.sort()

    @property
    def mean(self):
        return sum(self.lengths) / len(self.lengths) if self.lengths else 0.0

    def read(self, kind, number, text):
        for riddle in RIDDLES:
            if re.search(rf"\b{riddle}\b", text, re.IGNORECASE):
                self.broken.append((number, f"a riddle: “{riddle}”"))
        if kind == "row":
            return
        if kind == "paragraph" and re.match(r"(?!chimera\b)[a-z]+\b", text):
            self.subjectless += 1
            self.broken.append((number, f"goes on from the block above: “{text[:50]}…”"))
        for sentence in sentences(text):
            if words(sentence) > 1:
                self.lengths.append(words(sentence))
            if words(sentence) > LONGEST:
                self.broken.append((number, f"{words(sentence)} words: “{sentence[:60]}…”"))
            if found := opener(sentence):
                self.subjectless += 1
                self.broken.append((number, f"opens with “{found}”: “{sentence[:50]}…”"))


def main():
    parser = argparse.ArgumentParser(description="Measures how plainly pages are written.")
    parser.add_argument("--check", action="store_true", help="print the broken rules alone and fail if there are any")
    parser.add_argument("pages", nargs="*", type=pathlib.Path)
    asked = parser.parse_args()
    bad = 0
    for path in asked.pages or pages_of_the_project():
        page = Page(path.read_text(encoding="utf-8"))
        bad += len(page.broken)
        if not asked.check:
            print(f"{path}: {len(page.lengths)} sentences, mean {page.mean:.1f} words, "
                  f"longest {max(page.lengths, default=0)}, longest line {page.columns}, "
                  f"{page.subjectless} without a subject")
        for number, what in page.broken:
            print(f"{path}:{number}: {what}")
    sys.exit(1 if asked.check and bad else 0)


if __name__ == "__main__":
    main()
