# SPDX-License-Identifier: Apache-2.0
"""Finds what the public types of a header hold, each with its description: members, enumerators, requirements."""
import functools
import pathlib
import re

from header_parser import comment_after, comment_before, members, public

LEFT_OUT = {  # functions that need no description, by how they end
    "= default": "does what the language says",
    "= delete": "cannot be called",
}
ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEC = ROOT / "include/chimera/core/spec.hpp"
class Piece:
    """An enumerator, a requirement of a concept or an entry of a list: what `Declaration` is to a member."""

    def __init__(self, kind, name, one, trailing="", start=None, end=None):
        start, end = (one.start, one.start) if start is None else (start, end)
        self.kind, self.name, self.scope, self.text, self.body = kind, name, "", one.text, None
        self.signature = re.sub(r"\s+", " ", one.text[start:end]).strip()
        self.line = one.text.count("\n", 0, start) + 1
        self.comment = "" if trailing else comment_before(one.text, start)
        self.trailing = trailing or comment_after(one.text, end)


def pieces(code, start, end, separator):
    """Yields where each part between separators begins and ends, outside brackets and lines of the preprocessor."""
    code = re.sub(r"(?m)^[ \t]*#[^\n]*", lambda m: " " * len(m.group()), code)
    depth, at = 0, start
    for i in range(start, end + 1):
        if i < end and not (code[i] == separator and depth == 0):
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(code[i], 0)
            continue
        first = at + len(code[at:i]) - len(code[at:i].lstrip())
        if first < i:
            yield first, i + 1 if i < end else first + len(code[first:i].rstrip())
        at = i + 1


@functools.cache
def macro_list(name):
    """Returns the arguments of each entry of a macro list, which may stand in any header."""
    for path in sorted((ROOT / "include").rglob("*.hpp")):
        found = re.search(rf"#define {name}\(X\)((?:[^\n]*\\\n)*[^\n]*)", path.read_text(encoding="utf-8"))
        if found:
            entries = re.findall(r'\bX\(((?:[^()"]|"[^"]*")*)\)', found.group(1).replace("\\\n", "\n"))
            return [[part.strip() for part in re.findall(r'(?:[^,"]|"[^"]*")+', entry)] for entry in entries]
    return []


def said(literals):
    return "".join(re.findall(r'"([^"]*)"', literals))


def listed_enumerators(one, name):
    """Yields an enumerator for each entry of a macro list; the entry's text is its description."""
    for entry in macro_list(name):
        text = re.sub(r"[#@]", "…", said(entry[-1]).replace("|", " "))
        yield Piece("listed", entry[0], one, text or f"the family `{entry[0]}`")


def listed_members(one):
    """Yields a member for each entry of a macro list: type, name, and as its last argument the description."""
    for entry in macro_list(re.match(r"\w+", one.signature).group()):
        piece = Piece("variable", entry[1], one, said(entry[-1]))
        piece.signature = f"{entry[0]} {entry[1]}{{}}"
        yield piece


def enumerators(one):
    """Yields the enumerators of an enum, those of a macro list included."""
    for start, end in pieces(one.code, one.body[0] + 1, one.body[1] - 1, ","):
        word = re.match(r"\w+", one.code[start:]).group()
        if one.code[start + len(word):start + len(word) + 1] == "(":
            yield from listed_enumerators(one, word)
        else:
            yield Piece("enumerator", word, one, "", start, end)


def requirements(one):
    """Yields what a concept requires; a call goes by the function's name."""
    code = one.code
    opened = code.find("{", max(one.body[0], code.find("requires", *one.body)))
    for start, end in pieces(code, opened + 1, one.body[1] - 1, ";"):
        called = re.search(r"(\w+)\s*\(", code[start:end])
        yield Piece("requirement", called.group(1) if called else code[start:end].strip(), one, "", start, end)


def declarators(one):
    """Returns (name, type, default) of each variable that a declaration declares."""
    signature = re.sub(r"\s:\s\d+", "", one.signature)  # bits
    value = one.text[one.body[0]:one.body[1]] if one.body else ""
    parts, depth, at = [], 0, 0
    for i, c in enumerate(signature):
        shift = "=" in signature[at:i] and {"<<", ">>"} & {signature[i - 1:i + 1], signature[i:i + 2]}
        depth += 0 if shift else {"(": 1, "<": 1, "{": 1, "[": 1, ")": -1, ">": -1, "}": -1, "]": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts, at = [*parts, signature[at:i]], i + 1
    parts.append(signature[at:])
    head, out = "", []
    for part in parts:
        left, _, default = part.partition("=")
        found = re.match(r"(.*?)(\w+)((?:\[[^\]]*\])?)\s*(\{.*)?$", left.strip())
        if not found or "(*" in left:
            return [(one.name, re.sub(r"\s*\(\*", " (*", left.strip()), "")]
        head = found.group(1).strip() or head
        out.append((found.group(2), head + found.group(3), default.strip() + (found.group(4) or "")))
    out[-1] = (*out[-1][:2], out[-1][2] + re.sub(r"\s+", " ", value))
    return out


@functools.cache
def inherited():
    """Returns the comments of the requirements of `schedule_spec` by name. They hold for each member of a model of it
    that has no comment of its own, so that every family need not repeat them."""
    text = SPEC.read_text(encoding="utf-8")
    found = {m.name: m.comment for one in public(text) if one.name == "schedule_spec" for m in requirements(one)}
    return {**found, "traits": "The facts of the family that hold for all its sizes."}


def left_out(one):
    """Says if a member function needs no description and no place on a page."""
    return one.kind == "function" and one.signature.endswith(tuple(LEFT_OUT))


def inside(one):
    """Returns what a public type or concept holds, without what is left out."""
    if one.kind == "enum" and one.body:
        return list(enumerators(one))
    if one.kind == "concept" and one.body:
        return list(requirements(one))
    if one.kind == "using":
        return named_inside(one)
    if one.kind not in ("struct", "class") or not one.body:
        return []
    held = []
    for m in members(one):
        held += list(listed_members(m)) if m.kind == "list" else [] if left_out(m) else [m]
    if {"refused", "workers", "placements", "slot_count"} <= {m.name for m in held}:  # a model of `schedule_spec`
        for m in held:
            m.comment = m.comment or ("" if m.trailing else inherited().get(m.name, ""))
    return held


def named_inside(one):
    """Returns what the type holds that an alias names, if it is one of `detail` in the same header."""
    named = re.search(r"= detail::(\w+)", one.signature)
    for hidden in public(one.text, ("detail",)) if named else []:
        if hidden.scope and hidden.name == named.group(1) and hidden.kind in ("struct", "class"):
            return inside(hidden)
    return []


def description(one):
    return one.comment or one.trailing


def names(one):
    """Returns the names of a member: several where it declares several variables."""
    return [name for name, _, _ in declarators(one)] if one.kind == "variable" else [one.name]


def is_entry(one):
    """Says if a declaration of a namespace is a name of its own: not a forward declaration or a specialisation."""
    declared = one.kind in ("struct", "class", "enum") and not one.body
    return one.kind != "other" and not re.match(r"template <> ", one.signature) and not declared and not left_out(one)


def known(text):
    """Yields (declaration, path) of each public name of a header; a path is such as `schedule::row`."""

    def walk(one, path):
        yield one, path
        for held in inside(one):
            for name in names(held):
                if held.kind in ("struct", "class", "enum"):
                    yield from walk(held, f"{path}::{name}")
                else:
                    yield held, f"{path}::{name}"

    for one in public(text):
        if is_entry(one):
            yield from walk(one, one.scope + one.name)


def undescribed(text):
    """Yields (line, path) of each public name without a description; overloads in a row share that of the first."""
    said = None
    for one, path in known(text):
        follows = one.kind == "function" and path == said
        if not description(one) and not follows:
            yield one.line, path
            continue
        said = path
