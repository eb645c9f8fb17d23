# SPDX-License-Identifier: Apache-2.0
"""The rules that hold for public comments and signatures of include/chimera; `make_reference.py --check` prints faults.

- A comment opens with a verb in the third person ("Returns") or with a noun and its article ("A", "The rows").
- A comment has no word of RIDDLES. No sentence of it opens with a word of CLAUSES; a field's comment does neither.
- A parameter is named by a noun, not by a word of PREPOSITIONS.
- A signature shows no name of `detail`.
- A line has at most COLUMNS columns.
"""
import re

COLUMNS = 120
ARTICLES = {"A", "An", "The", "Each", "Every", "Both", "All", "One", "Two"}
CLAUSES = ("What", "Where", "Whether", "Whose", "Whom", "Who", "Which", "Of which", "The same", "As above", "Or", "So that")
RIDDLES = ("nobody", "whoever", "everybody", "nowhere", "whosoever")
PREPOSITIONS = {"of", "on", "with", "by", "how"}
PLURALS = {  # nouns that end as a verb in the third person does
    "Activations", "Backwards", "Blocks", "Bounds", "Bytes", "Characters", "Colours", "Columns", "Copies", "Costs", "Cuts",
    "Decoders", "Elements", "Forwards", "Gradients", "Instructions", "Layers", "Levels", "Messages", "Milliseconds", "Modes",
    "Names", "Nodes", "Numbers", "Orders", "Parameters", "Passes", "Places", "Positions", "Products", "Rows", "Samples",
    "Seconds", "Sizes", "Slots", "Stages", "Sums", "Tensors", "Ticks", "Units", "Weights", "Workers", "Less", "Always", "Is",
    "Its", "This", "As", "Has", "Us",
}


def wrong_opening(comment):
    """Returns how the comment opens against the rules, or an empty text."""
    words = comment.split()
    if not words:
        return ""
    for clause in CLAUSES:
        if comment.startswith(clause + " "):
            return clause
    first = re.sub(r"[,.;:]$", "", words[0])
    if first in ARTICLES or (re.fullmatch(r"[A-Z][a-z]+s", first) and first not in PLURALS):
        return ""
    return first


def fragments(comment):
    """Returns the words of CLAUSES that open a sentence of a comment after its first."""
    later = re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(comment.split()))[1:]
    return [clause for sentence in later for clause in CLAUSES if sentence.startswith(clause + " ")]


def riddles(comment):
    """Returns the words of RIDDLES in a comment."""
    return [word for word in RIDDLES if re.search(rf"\b{word}\b", comment, re.I)]


def parameters(signature, name):
    """Returns the names of a function's parameters."""
    found = re.search(rf"(?<!\w){re.escape(name)}\s*\(", signature)
    if not found:
        return []
    names, depth, start = [], 0, found.end()
    for i in range(start, len(signature)):
        step = {"(": 1, "<": 1, "{": 1, "[": 1, ")": -1, ">": -1, "}": -1, "]": -1}.get(signature[i], 0)
        depth += step
        if depth < 0 or (depth == 0 and signature[i] == ","):
            word = re.search(r"[\w>&*\s](?<!\w)(\w+)\s*(?:\{\})?$", signature[start:i].split("=")[0].rstrip())
            names += [word.group(1)] if word else []
            start = i + 1
        if depth < 0:
            break
    return names


def shown_part(signature):
    """Returns a signature without a constructor's initialisers and a member's default value."""
    return re.split(r"(?<!:):(?!:)", signature)[0].split("=")[0] if "(" not in signature.split("=")[0] else re.sub(
        r"\)\s*(?:noexcept\s*)?:\s.*$", ")", signature)


def faults_of(one):
    """Yields each fault of a public declaration."""
    if one.kind == "listed":  # its description is the text of an error, which is not a comment
        return
    comment = one.comment or ("" if one.kind in ("variable", "enumerator", "requirement") else one.trailing)
    if opening := wrong_opening(comment):
        yield f"opens with \"{opening}\": {one.name}"
    for clause in fragments(comment):
        yield f"has a sentence that opens with \"{clause}\": {one.name}"
    for clause in CLAUSES:
        if one.trailing.lower().startswith(clause.lower() + " "):
            yield f"opens with \"{clause.lower()}\": {one.name}"
    for word in riddles(one.comment + " " + one.trailing):
        yield f"says \"{word}\": {one.name}"
    if one.kind == "function":
        for name in PREPOSITIONS.intersection(parameters(one.signature, one.name)):
            yield f"names a parameter `{name}`: {one.name}"
    if re.search(r"\bdetail::", shown_part(one.signature)) and one.kind not in ("other", "requirement"):
        yield f"shows `detail::`: {one.name}"


def long_lines(text):
    """Yields the numbers of lines that are too long."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            yield number
