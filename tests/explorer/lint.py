#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ESLint (Debian: eslint) over the explorer's script as the page joins it, in one scope, and over its unit tests.

Exit status: 0 nothing found, 1 otherwise, 77 if ESLint is missing.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "include/chimera/render/explorer"
sys.path.insert(0, str(ROOT / "cmake"))
sys.dont_write_bytecode = True
from explorer_page import SCRIPTS  # noqa: E402

# Faults that cannot be mended without another page: its bytes are recorded (tests/golden). Each must still be there.
KNOWN = {("max-lines-per-function", "'paintRow'"), ("max-lines-per-function", "'drawMemory'"),
         ("prefer-const", "'theme'"), ("no-unused-vars", "'UPDATE'")}
FOR_TESTS = ["--env", "node", "--rule", "max-lines-per-function: off", "--rule", "max-len: [error, 120]"]


def eslint(*arguments, text=None):
    """Returns what ESLint finds, as its JSON says it."""
    environment = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}  # Debian's modules, for a Node.js from elsewhere
    options = ["--no-eslintrc", "--no-ignore", "--config", HERE / "eslintrc.json", "--format", "json"]
    done = subprocess.run(["eslint", *options, *arguments], input=text, capture_output=True, text=True, env=environment, check=False)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"lint.py: ESLint failed: {done.stdout}{done.stderr}")


def faults_of_script():
    """Returns what is wrong with the page's script, and the known faults that are gone."""
    parts = [(PAGE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    starts, line = [], 1
    for name, part in zip(SCRIPTS, parts):
        starts.append((line, name))
        line += part.count("\n")
    found, known = [], set()
    for message in eslint("--stdin", text="".join(parts))[0]["messages"]:
        same = {(rule, name) for rule, name in KNOWN if rule == message["ruleId"] and name in message["message"]}
        known |= same
        start, name = [one for one in starts if one[0] <= message["line"]][-1]
        if not same:
            where = f"{(PAGE / name).relative_to(ROOT)}.js:{message['line'] - start + 1}:{message['column']}"
            found.append(f"{where}: {message['message']} [{message['ruleId']}]")
    gone = sorted(KNOWN - known)
    return found + [f"lint.py: no {rule} for {name} any more: take it out of KNOWN" for rule, name in gone]


def faults_of_tests():
    """Returns what is wrong with the unit tests."""
    found = []
    for file in eslint(*FOR_TESTS, *sorted((HERE / "unit").glob("*.js"))):
        where = pathlib.Path(file["filePath"]).relative_to(ROOT)
        found += [f"{where}:{m['line']}:{m['column']}: {m['message']} [{m['ruleId']}]" for m in file["messages"]]
    return found


def main():
    if not shutil.which("eslint"):
        print("skipped: eslint is missing (apt-get install eslint)")
        sys.exit(77)
    found = faults_of_script() + faults_of_tests()
    if found:
        print("\n".join(found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
