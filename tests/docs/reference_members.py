#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference wants a description of every public name, members included, and links to each.

A header that lacks one description is refused with the line and the name, and passes with it. In a copy of the tree,
`docs/make_reference.py --check` fails for a member, an enumerator and a header's cost that are taken away.

Usage: reference_members.py ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(root / "docs"))
import header_members  # noqa: E402

KINDS = {  # kind: a header with @ in place of a description above, or $ behind; the line and the name that lack it
    "a function": ("@int sum(int a);", 3, "sum"),
    "a variable": ("@inline constexpr int most = 3;", 3, "most"),
    "an alias": ("@using number = int;", 3, "number"),
    "a type": ("@struct empty {};", 3, "empty"),
    "a law": ("namespace laws {\n@constexpr bool once(int a) { return a == 1; }\n}", 4, "laws::once"),
    "a field": ("/// A pair.\nstruct pair {\n    int a = 0;$\n    int b = 0;  ///< second\n};", 5, "pair::a"),
    "a field below": ("/// A pair.\nstruct pair {\n@    int a{0};\n};", 5, "pair::a"),
    "a pointer to a function": ("/// A row.\nstruct row {\n    int (*make)(int);$\n};", 5, "row::make"),
    "a member function": ("/// A row.\nstruct row {\n    int a;  ///< first\n@    int end() const;\n};", 6, "row::end"),
    "a constructor": ("/// A row.\nclass row {\npublic:\n@    row(int a) : a_(a) {}\nprivate:\n    int a_;\n};",
                      6, "row::row"),
    "an operator": ("/// A row.\nstruct row {\n@    int operator[](int i) const;\n};", 5, "row::operator[]"),
    "a friend": ("/// A row.\nstruct row {\n@    friend row operator+(row a, row b) { return a; }\n};",
                 5, "row::operator+"),
    "an enumerator": ("/// A pass.\nenum class pass {\n    forward,  ///< first\n    backward$\n};",
                      6, "pass::backward"),
    "an enumerator below": ("/// A pass.\nenum class pass {\n@    forward = 3,\n    backward,  ///< second\n};",
                            5, "pass::forward"),
    "an enumerator beside its type": ("/// A pass.\nenum class pass { forward$\n};", 4, "pass::forward"),
    "a requirement": ("/// A spec.\ntemplate <class T>\nconcept spec = requires(const T& x) {\n"
                      "@    { x.size() } -> same<int>;\n};", 6, "spec::size"),
    "a type's type": ("/// A row.\nstruct row {\n    /// A cell.\n    struct cell {\n        int a;$\n    };\n};",
                      7, "row::cell::a"),
    "an alias' member": ("namespace detail {\ntemplate <int N>\nstruct spec {\n    int size = N;$\n};\n}\n\n"
                         "/// A spec.\nusing small = detail::spec<1>;", 6, "small::size"),
}
SEVERAL = "/// Sizes.\nstruct sizes {\n    int rows = 1, columns = 2;$\n};"  # a declaration of two names
FREE = """/// A row.
class row {
public:
    row() = default;
    row(const row&) = delete;
    friend bool operator==(const row&, const row&) = default;

private:
    int hidden_ = 0;
    enum class held { yes, no };
};

struct declared;

namespace detail {
struct hidden {
    int a;
};
inline int number(int a) { return a; }
}  // namespace detail
"""


def lacking(text, described):
    body = re.sub("@( *)", r"\1/// Returns it.\n\1" if described else r"\1", text)
    body = body.replace("$", "  ///< of it" if described else "")
    return list(header_members.undescribed(f"namespace chimera {{\n\n{body}\n\n}}  // namespace chimera\n"))


def faults_of_kinds():
    for kind, (text, line, name) in KINDS.items():
        if (found := lacking(text, False)) != [(line, name)]:
            yield f"{kind}: expected line {line}, {name}, found {found}"
        if found := lacking(text, True):
            yield f"{kind}: described, but found {found}"
    if (found := [name for _, name in lacking(SEVERAL, False)]) != ["sizes::rows", "sizes::columns"]:
        yield f"two names: found {found}"
    if found := lacking(SEVERAL, True) + lacking(FREE, False):
        yield f"nothing is lacking, but found {found}"


def spoil(path, old, new):
    text = path.read_text(encoding="utf-8")
    changed = re.sub(old, new, text, count=1)
    assert changed != text, f"{path}: {old} is not there"
    path.write_text(changed, encoding="utf-8")


def check(tree):
    command = [sys.executable, tree / "docs" / "make_reference.py", "--check"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.returncode, ran.stdout.splitlines(), ran.stderr


def faults_of_a_copy():
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in ("docs", "include"):
            shutil.copytree(root / part, tree / part)
        if (sound := check(tree)) != (0, [], ""):
            yield f"the tree as it is: {sound}"
            return
        include = tree / "include" / "chimera"
        spoil(include / "core/slot_table.hpp", r"    /// Returns the slots of worker w.*\n", "")
        spoil(include / "verify/report.hpp", r" *///<[^\n]*once[^\n]*", "")
        spoil(tree / "docs/reference/costs.json", r' *"core/slot\.hpp":.*\n', "")
        status, lines, _ = check(tree)
        expected = [r"include/chimera/core/slot_table\.hpp:\d+: no description: schedule_view::row",
                    r"include/chimera/core/slot\.hpp: no cost of inclusion: run bench/header_costs\.py",
                    r"include/chimera/verify/report\.hpp:\d+: no description: law::once"]
        told = [line for line in lines if "is out of date" not in line]
        if status != 1 or len(told) != len(expected):
            yield f"three faults: status {status}, {told}"
        for wanted in expected:
            if not any(re.fullmatch(wanted, line) for line in told):
                yield f"expected {wanted}, found {told}"


def faults_of_the_index():
    """Each public name of each header has a link, and each link leads to an anchor that stands once on its page."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in (root / "docs/reference").glob("*.md")}
    links = re.findall(r"^\[`([^`]+)`\]\((\w+\.md)#([\w-]+)\)", pages["README.md"], re.M)
    for name, page, anchor in links:
        if pages[page].count(f'<a id="{anchor}"></a>') != 1:
            yield f"{name}: {page}#{anchor} does not stand there once"
    if [name.lower() for name, _, _ in links] != sorted(name.lower() for name, _, _ in links):
        yield "the index is not sorted"
    for wanted in ("schedule_view::row", "report::ok", "schedule::view", "evaluation::fits", "shape::units",
                   "search_result::makespan_gap", "action::send_gradient", "zb_v::activations", "family_spec::chunks"):
        if wanted not in (name for name, _, _ in links):
            yield f"the index lacks {wanted}"


def main():
    faults = [*faults_of_kinds(), *faults_of_the_index(), *faults_of_a_copy()]
    print("\n".join(faults) if faults else f"{len(KINDS)} kinds of names")
    sys.exit(1 if faults else 0)


main()
