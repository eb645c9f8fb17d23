#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the site of mkdocs.yml and reads it as a browser would.

    site.py SOURCE FOLDER

Every link, picture and anchor of every page of the site is there, nothing is loaded from elsewhere, and every page of docs
is in the menu. A copy with a link to nothing, one to no heading, or a page that the table of pages leaves out must not build.
Exit 77 where MkDocs with Material is missing.
"""
import html.parser
import pathlib
import shutil
import subprocess
import sys
import urllib.parse

SOURCE, FOLDER = (pathlib.Path(a).resolve() for a in sys.argv[1:3])


class Reader(html.parser.HTMLParser):
    """Links, what is loaded, anchors and list items of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        if given.get("src"):
            self.loaded.add(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loaded.add(given["href"])


def build(source, site):
    return subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-f", source / "mkdocs.yml", "-d", site],
                          capture_output=True, text=True, check=False)


def faults_of(site):
    """What a reader of the site would miss, and how many links were followed."""
    pages = {path: Reader(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    faults, count = [], 0
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for target in sorted(page.links | page.loaded):
            parts = urllib.parse.urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme != "data":
                    faults.append(f"{path.relative_to(site)} loads {target}")
                continue
            count += 1
            to = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            if not to.is_file() or (target in page.loaded and to.suffix == ".html"):
                faults.append(f"{path.relative_to(site)}: {target} is not there")
            elif parts.fragment and to in pages and urllib.parse.unquote(parts.fragment) not in pages[to].anchors | {"__top"}:
                faults.append(f"{path.relative_to(site)}: {target} has no such heading")
    menu = {(site / link).resolve() for link in pages[site / "index.html"].links if not urllib.parse.urlsplit(link).scheme}
    for page in (SOURCE / "docs").rglob("*.md"):
        shown = page.relative_to(SOURCE / "docs").with_suffix(".html")
        shown = {"README.html": pathlib.Path("pages.html")}.get(str(shown), shown)
        shown = shown.with_name("index.html") if shown.name == "README.html" else shown
        if site / shown not in menu:
            faults.append(f"docs/{page.relative_to(SOURCE / 'docs')} is not in the menu")
    return faults, count


def refused(name, page, text):
    """A copy of the pages with a text added must not build."""
    copy = FOLDER / name
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("build*", ".git", "runs"), symlinks=True)
    target = copy / page
    target.write_text((target.read_text(encoding="utf-8") if target.exists() else "") + text, encoding="utf-8")
    done = build(copy, FOLDER / f"{name}-site")
    return [] if done.returncode else [f"a copy with {name} is built all the same"]


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    here = subprocess.run([sys.executable, "-c", "import material, mkdocs.structure.files as f; f.File.generated"], check=False,
                          capture_output=True)
    if here.returncode:
        print("MkDocs 1.6 with Material is not here (pip install mkdocs-material)")
        sys.exit(77)
    done = build(SOURCE, FOLDER / "site")
    if done.returncode:
        sys.exit(f"the site is not built:\n{done.stdout}{done.stderr}")
    faults, count = faults_of(FOLDER / "site")
    faults += refused("a-dead-link", "docs/faq.md", "\nSee [this](not_there.md).\n")
    faults += refused("a-dead-heading", "docs/faq.md", "\nSee [this](train.md#not-there).\n")
    faults += refused("a-dead-source", "docs/faq.md", "\nSee [this](../tests/not_there.cpp).\n")
    faults += refused("a-lost-page", "docs/lost.md", "# Lost\n")
    print("\n".join(faults) if faults else f"{count} links are there")
    sys.exit(1 if faults or count < 1000 else 0)


main()
