#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the command lines of commands.txt with a program and compares what they print, write and return, byte for byte, with expected/.

    run.py PROGRAM [--record]       --record writes expected/ anew

A folder of its own holds inputs/ and what the commands write, in their order. Outputs above 2,000 bytes are kept as their size and
SHA-256. Times that a command took are replaced by T. A line of commands.txt is a command; one that begins with # names the file of
expected/ that the commands after it go to.
"""

import difflib
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LONG = 2000
TOOK = [(re.compile(rb"\b((planned|searched|fitted|found) in|after only) [0-9.]+ (s|ms)\b"), rb"\1 T"),
        (re.compile(rb'(slots_per_second"?:? *)[0-9.e+-]+'), rb"\1T")]


def shown(name, data):
    for pattern, instead in TOOK:
        data = pattern.sub(instead, data)
    if not data:
        return ""
    if len(data) > LONG:
        return f"{name}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()}\n"
    text = data.decode("utf-8", "backslashreplace")
    return f"{name}:\n" + "".join(f"    {line}\n" for line in text.splitlines())


def run(program, line, folder):
    before = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    environment |= {key: value for key, value in os.environ.items() if key.startswith(("LLVM_", "LSAN_", "ASAN_", "UBSAN_"))}
    done = subprocess.run([program, *shlex.split(line)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=300, check=False)
    text = f"$ chimera {line}\nexit {done.returncode}\n" + shown("stdout", done.stdout) + shown("stderr", done.stderr)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.read_bytes() != before.get(path):
            text += shown(f"file {path.name}", path.read_bytes())
    return text + "\n"


def results(program):
    """Text of each file of expected/."""
    found, name = {}, None
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        for path in (HERE / "inputs").iterdir():
            shutil.copy(path, folder)
        for line in (HERE / "commands.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                name = line[1:].strip()
            elif line.strip():
                found[name] = found.get(name, "") + run(program, line, folder)
    return found


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--record"]):
        sys.exit("run.py: give a program (and perhaps --record)")
    found = results(os.path.abspath(sys.argv[1]))
    expected = HERE / "expected"
    if sys.argv[2:]:
        expected.mkdir(exist_ok=True)
        for name, text in found.items():
            (expected / f"{name}.txt").write_text(text, encoding="utf-8")
        return
    wrong = 0
    for name, text in found.items():
        path = expected / f"{name}.txt"
        right = path.read_text(encoding="utf-8") if path.exists() else ""
        difference = list(difflib.unified_diff(right.splitlines(), text.splitlines(), f"expected/{name}.txt", "found", lineterm="", n=4))
        wrong += bool(difference)
        print("\n".join(difference[:60]))
    commands = sum(text.count("\n$ chimera ") + text.startswith("$ chimera ") for text in found.values())
    print(f"{commands} command lines, {len(found)} files of expected output, {wrong} differ")
    sys.exit(wrong > 0)


main()
