#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every relative link of every Markdown page leads to a file that is there, and to a heading of it where it names one."""

import functools
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href|srcset)=\"([^\"]+)\"")


@functools.cache
def anchors(page):
    """As GitHub makes them of headings, and those that stand on the page as <a id="…">."""
    text = page.read_text(encoding="utf-8")
    found = set(re.findall(r'<a id="([^"]+)"></a>', text))
    for line in text.splitlines():
        if re.match(r"#{1,6} ", line):
            text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).lower()
            found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    pages = [p for p in source.rglob("*.md") if not any(part.startswith((".", "build", "runs")) for part in p.relative_to(source).parts)]
    bad, count = [], 0
    for page in pages:
        for first, second in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
            target = first or second
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            path, _, heading = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            if not to.exists():
                bad.append(f"{page.relative_to(source)}: {target} is not there")
            elif heading and to.suffix == ".md" and heading not in anchors(to):
                bad.append(f"{page.relative_to(source)}: {target} has no such heading")
    print("\n".join(bad) if bad else f"{count} links on {len(pages)} pages")
    sys.exit(1 if bad or count < 50 else 0)


main()
