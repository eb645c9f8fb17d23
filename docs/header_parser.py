# SPDX-License-Identifier: Apache-2.0
"""Reads the declarations of the headers with their comments, without a compiler."""
import re
import sys

KINDS = ("struct", "class", "enum", "concept")
SPACES = ("laws", "at")  # public namespaces inside chimera; the others (detail, seek, format, explorer) are its own
LIST = re.compile(r"CHIMERA_\w+\(CHIMERA_\w+\)(?=\s*$)", re.M)  # a macro that declares each entry of a list
POINTER = re.compile(r"\(\*\s*(\w+)\)\s*\(")  # of a function, with its name


def blank_comments(text):
    """The text with comments and the insides of literals as blanks: offsets stay, braces in them do not count."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def closing(code, at):
    """The offset after the brace that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        if depth == 0:
            return i + 1
    sys.exit(f"no closing brace: {code[at:at + 80]!r}")


def comment_before(text, at):
    """The /// lines right above the offset, if nothing stands before it in its line; an empty line parts them."""
    if text[text.rfind("\n", 0, at) + 1:at].strip():
        return ""
    lines = text[:at].split("\n")[:-1]
    out = []
    while lines and re.match(r"///(?!<)", lines[-1].strip()):
        out.insert(0, re.sub(r"^\s*/// ?", "", lines.pop()))
    return "\n".join(out).strip()


def comment_after(text, at):
    """The ///< of a member that ends at the offset, with the lines that go on from it."""
    rest = text[at:].split("\n")
    if "///<" not in rest[0]:
        return ""
    out = [rest[0].split("///<", 1)[1].strip()]
    for line in rest[1:]:
        if not line.strip().startswith("///<"):
            break
        out.append(line.strip()[4:].strip())
    return " ".join(out)


def without_arguments(text):
    """The text without what stands in angle brackets."""
    while (less := re.sub(r"<[^<>]*>", "", text)) != text:
        text = less
    return text


def balanced(text, at, pair="<>"):
    """The offset after the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += {pair[0]: 1, pair[1]: -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return len(text)


def without_template(head):
    """A declaration without its template parameters and what they must fulfil."""
    while head.startswith("template <"):
        head = head[balanced(head, head.index("<")):].lstrip()
    while found := re.match(r"(?:requires|&&|\|\|)\s*(?:\(|!?[\w:]+\s?)", head):
        at = found.end()
        if head[at - 1] == "(":
            at = balanced(head, at - 1, "()")
        elif head[at:at + 1] == "<":
            at = balanced(head, at)
        head = head[at:].lstrip()
    return head


class Declaration:
    """A piece of a scope: its text up to body or semicolon, its comment, and the text of its body."""

    def __init__(self, text, code, start, end, body):
        bare = re.sub(r'("(?:\\.|[^"\\\n])*")|//[^\n]*', lambda m: m.group(1) or "", text[start:end])  # no comments
        self.signature = re.sub(r"\s+", " ", bare).strip()
        self.comment = comment_before(text, start)
        self.start, self.scope = start, ""  # the namespace inside chimera, such as `laws::`
        self.body = body  # offsets, or None
        self.text, self.code = text, code
        after = (body[1] if body else end)
        self.end = after + 1 if code[after:after + 1] == ";" else after
        self.trailing = comment_after(text, self.end)

    @property
    def kind(self):
        head = without_template(self.signature)
        for kind in KINDS:
            if re.match(rf"{kind}\b", head):
                return kind
        if re.match(r"using\b", head):
            return "using"
        if LIST.match(head):
            return "list"
        if re.match(r"(friend (?:class|struct)\b|static_assert|namespace|extern|#)", head):
            return "other"
        return "function" if self.is_function(head) else "variable"

    @staticmethod
    def is_function(head):
        plain = without_arguments(head)
        return "(" in (plain if "operator" in plain else plain.split("=")[0]) and not POINTER.search(plain)

    @property
    def line(self):
        return self.text.count("\n", 0, self.start) + 1

    @property
    def name(self):
        if inherited := re.match(r"using\s+[\w:]*?(\w+)\s*$", self.signature):
            return inherited.group(1)
        if self.kind in ("struct", "class", "enum", "concept", "using"):
            found = re.search(r"\b(?:struct|class|concept|using)\s+(?:\[\[.*?\]\]\s*)?(\w+)|enum\s+(?:class\s+)?(\w+)",
                              without_template(self.signature))
            return found.group(1) or found.group(2)
        plain = without_arguments(without_template(self.signature))
        if self.kind == "function":
            found = re.search(r"(operator\s*\S+?|~?\w+)\s*\(", plain)
            return found.group(1) if found else plain
        if pointer := POINTER.search(plain):
            return pointer.group(1)
        return (re.split(r"\s*[={\[]", plain)[0].split() or [plain])[-1]


def is_value(before):
    """Whether a brace after this text opens a value: what follows an equals sign, but for an operator's."""
    head = without_arguments(without_template(re.sub(r"\s+", " ", before).strip()))
    while (less := re.sub(r"\([^()]*\)", "", head)) != head:
        head = less
    return "=" in head and "operator" not in head and not head.startswith("concept")


def declarations(text, code, start, end):
    """The declarations of a scope, in order; what namespaces hold is not looked into."""
    at = start
    while at < end:
        if code[at].isspace() or code[at] == ";":
            at += 1
            continue
        if code[at] == "#":
            while code[at:code.find("\n", at)].endswith("\\"):
                at = code.find("\n", at) + 1
            at = code.find("\n", at) + 1 or end
            continue
        if re.match(r"(public|private|protected)\s*:(?!:)", code[at:]):
            colon = code.index(":", at)
            yield code[at:colon].strip()
            at = colon + 1
            continue
        if entries := LIST.match(code, at):
            yield Declaration(text, code, at, entries.end(), None)
            at = entries.end()
            continue
        stop, depth = at, 0
        while template := re.match(r"\s*template\s*<", code[stop:]):
            stop = balanced(code, stop + template.end() - 1)
        while stop < end and not (depth == 0 and code[stop] == ";"):
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(code[stop], 0)
            if code[stop] == "{":
                if depth == 0 and not is_value(code[at:stop]):
                    break
                stop = closing(code, stop)  # of a default argument, or of a value
                continue
            stop += 1
        body = (stop, closing(code, stop)) if stop < end and code[stop] == "{" else None
        one = Declaration(text, code, at, stop, body)
        at = body[1] if body else stop + 1
        yield one


def public(text, spaces=SPACES):
    """Declarations of namespace chimera and of the spaces in it."""
    code = blank_comments(text)

    def walk(start, end, inside, scope=""):
        for one in declarations(text, code, start, end):
            if isinstance(one, str):
                continue
            space = re.match(r"(?:inline )?namespace ?([\w:]*)$", one.signature)
            if not space:
                one.scope = scope
                if inside:
                    yield one
            elif space.group(1) == "chimera":
                yield from walk(one.body[0] + 1, one.body[1] - 1, True)
            elif inside and space.group(1) in spaces:
                yield from walk(one.body[0] + 1, one.body[1] - 1, True, space.group(1) + "::")

    yield from walk(0, len(code), False)


def members(one):
    """Public members of a struct or class."""
    shown = not one.signature.startswith("class") and " class " not in one.signature.split("{")[0]
    for member in declarations(one.text, one.code, one.body[0] + 1, one.body[1] - 1):
        if isinstance(member, str):
            shown = member == "public"
        elif shown and member.kind not in ("other",):
            yield member
