#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every public header as other projects do: after their macros, with their flags, with their library.

Usage: check.py ENVIRONMENT COMPILER INCLUDE [FLAG ...]

ENVIRONMENT:
  hostile        after system headers with global names, nlohmann/json and after macros such as Qt's `slots` and Windows' `min`; then
                 usable.cpp, which uses the system's names beside `using namespace chimera`
  debug          with -D_GLIBCXX_DEBUG
  no_exceptions  with -fno-exceptions
  clang          with Clang
  libcxx         with Clang and -stdlib=libc++, folder after folder where CHIMERA_EXHAUSTIVE is set; exit 77 where the
                 compiler has no such library
Prints what the compiler says; exit 1 where a header does not compile, 77 where there is no such compiler. Under debug
and no_exceptions a header may refuse in one line instead: an #error that opens with "chimera needs".
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
GLOBAL_NAMES = ("unistd.h", "error.h", "iostream")
FLAGS = {"hostile": [], "clang": [], "debug": ["-D_GLIBCXX_DEBUG"], "no_exceptions": ["-fno-exceptions"],
         "libcxx": ["-stdlib=libc++"]}
INCLUDE = re.compile(r"^ *# *include *<([^>]+)>", re.M)


def includes_of(names, root):
    """Returns the project's headers among `names` and all that they include, and the standard headers on the way."""
    own, standard, left = set(), set(), list(names)
    while left:
        name = left.pop()
        if not (root / name).exists():
            standard.add(name)
        elif name not in own:
            own.add(name)
            left += INCLUDE.findall((root / name).read_text(encoding="utf-8"))
    return own, standard


def parts(environment, root):
    """Returns the sources to compile: the header names that each includes, those that include least first."""
    found = (str(p.relative_to(root)) for p in root.rglob("*.hpp"))
    names = sorted(found, key=lambda n: (len(includes_of([n], root)[0]), n))
    if environment != "libcxx" or "CHIMERA_EXHAUSTIVE" not in os.environ:
        return [names]
    folders = sorted({str(pathlib.Path(n).parent) for n in names})
    return [[n for n in names if str(pathlib.Path(n).parent) == folder] for folder in folders]


def source(environment, names, root):
    """Returns a source that includes the headers `names`."""
    before = ""
    if environment == "hostile":
        standard = sorted(n for n in includes_of(names, root)[1] if "/" not in n or n.startswith("nlohmann/"))
        before = "".join(f"#include <{n}>\n" for n in (*standard, *GLOBAL_NAMES))
        before += (here / "macros.hpp").read_text(encoding="utf-8")
    return before + "".join(f"#include <{n}>\n" for n in names)


def compile_text(text, compiler, flags):
    """Returns the compiler's exit status and its messages."""
    command = [*compiler, *flags, "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    return done.returncode, done.stderr


def accepted(environment, status, messages):
    """Returns whether the compiler took the source, or refused it in the one line that is allowed."""
    if status == 0 or environment not in ("debug", "no_exceptions"):
        return status == 0
    errors = [line for line in messages.split("\n") if re.search(r"\berror: ", line)]
    if len(errors) == 2 and "chimera/stop" in errors[1]:  # ends a compilation that would go on with follow-ups
        errors.pop()
    return len(errors) == 1 and re.search(r"error: (#error )?\"chimera needs ", errors[0]) is not None


def main():
    environment, compiler, root, *more = sys.argv[1:]
    root = pathlib.Path(root).resolve()
    flags = ["-std=c++20", f"-I{root}", *FLAGS[environment], *more]
    if shutil.which(compiler) is None:
        print(f"{compiler} is not here")
        return 77
    if environment == "libcxx" and compile_text("#include <vector>\n", [compiler], flags)[0] != 0:
        print(f"{compiler} has no libc++")
        return 77
    texts = [source(environment, names, root) for names in parts(environment, root)]
    if environment == "hostile" and (root / "chimera" / "chimera.hpp").exists():
        texts.append((here / "usable.cpp").read_text(encoding="utf-8"))
    failed = False
    for text in texts:
        status, messages = compile_text(text, [compiler], flags)
        if not accepted(environment, status, messages):
            failed = True
            print(messages[:20000])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
