# SPDX-License-Identifier: Apache-2.0
"""Writes the entries of docs/reference: headings with anchors, signatures, tables of members."""
import re

from header_members import declarators, description, inside, is_entry
from header_parser import public

SIGNS = {"()": "call", "[]": "index", "+=": "add", "-=": "subtract", "+": "plus", "-": "minus", "==": "equals"}


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def without_body(signature):
    """Returns a signature without `inline` and a constructor's initialisers."""
    return re.sub(r"\)(\s*noexcept)?\s+:\s.*$", r")\1", re.sub(r"\binline (?=constexpr|\w)", "", signature)).strip()


def slug(path):
    """Returns the name of an anchor: `schedule-row` for `schedule::row`."""
    path = re.sub(r"operator\s*([^\w\s]+)$", lambda m: "operator-" + SIGNS.get(m.group(1), "sign"), path)
    return re.sub(r"[^\w]+", "-", path).strip("-").lower()


class Page:
    """The text of a page, and what stands where on it."""

    def __init__(self, name):
        self.name, self.out, self.placed, self.header = name, [], [], ""  # placed: (path, anchor, header)
        self.taken = set()

    def anchor(self, path):
        """Returns the HTML of a new anchor for a name."""
        made, k = slug(path), 1
        while made in self.taken:
            k += 1
            made = f"{slug(path)}-{k}"
        self.taken.add(made)
        self.placed.append((path, made, self.header))
        return f'<a id="{made}"></a>'

    def put(self, *lines):
        self.out += lines

    def text(self):
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.out)).rstrip() + "\n"


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


def grouped(all_of_them):
    """Returns declarations in groups: functions of one name that follow one another are together."""
    groups = []
    for one in all_of_them:
        if groups and one.kind == "function" and groups[-1][0].kind == "function" and groups[-1][0].name == one.name:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def put_members(page, one, path):
    """Puts the fields of a type as a table, and its functions below."""
    held = inside(one)
    rows = []
    for m in held:
        if m.kind != "variable":
            continue
        found = declarators(m)
        if "static" in m.signature.split():
            found = [(name, type_of, "") for name, type_of, _ in found]
        shown = "<br>".join(f"{page.anchor(f'{path}::{name}')}`{name}`" for name, _, _ in found)
        values = "<br>".join(f"`{cell(value)}`" for _, _, value in found if value)
        rows.append(f"| {shown} | `{cell(found[0][1])}` | {values} | {cell(m.trailing or m.comment)} |")
    if rows:
        page.put("", "| field | type | unless given | |", "|---|---|---|---|", *rows)
    for group in grouped([m for m in held if m.kind in ("function", "using")]):
        shown = [wrapped(without_body(g.signature)) + ";" for g in group]
        said = "\n\n".join(d for d in map(description, group) if d)
        page.put("", page.anchor(f"{path}::{group[0].name}"), "", "```cpp", *shown, "```", "", said)
    for m in held:
        if m.kind in ("struct", "class", "enum"):
            page.put("", f"{page.anchor(f'{path}::{m.name}')}`{path}::{m.name}`: {description(m)}")
            put_inside(page, m, f"{path}::{m.name}")


def put_inside(page, one, path):
    if one.kind in ("struct", "class", "using"):
        return put_members(page, one, path)
    held = inside(one)
    if held:
        page.put("", "| | |", "|---|---|")
        page.put(*(f"| {page.anchor(f'{path}::{m.name}')}`{m.name}` | {cell(description(m))} |" for m in held))
    return None


def put_entry(page, group):
    """Puts a public name: its heading, signatures, comments and what it holds."""
    first = group[0]
    path = first.scope + first.name
    page.put("", page.anchor(path), "", f"### `{path}`", "")
    said = "\n\n".join(d for d in map(description, group) if d)
    if first.kind in ("struct", "class", "enum") and first.body:
        page.put(said)
        return put_inside(page, first, path)
    shown = [without_body(g.signature) for g in group]
    if first.kind == "variable":
        shown = [re.split(r"\s*=\s*(?![^<]*>)", s)[0] if len(s) > 100 else s for s in shown]
    if first.kind == "concept" and first.body:
        code = re.sub(r"(?m)^\s*///.*\n|\s*///.*$", "", first.text[first.body[0]:first.body[1]])
        shown = [first.signature + " " + code]
    page.put("```cpp", *((s if first.kind == "concept" else wrapped(s)) + ";" for s in shown), "```", "", said)
    return put_inside(page, first, path)


def entries(text):
    """Returns the public declarations of a header in groups; forward declarations are left out."""
    return grouped([one for one in public(text) if is_entry(one)])


def is_public(path, base):
    """Says if a header has a public name, or is one of those that include whole folders."""
    return path.parent == base or bool(entries(path.read_text(encoding="utf-8")))
