#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion scripts. Usage: completion.py PROGRAM

Every name that a subcommand's help shows is completed in bash and fish, if they are there; zsh reads its script. What stands between
the words is tried, too: values, files, and the beginning of a word.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from failures import fail, finish

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())


def run(*command, cwd=None):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=cwd)


def bash(folder, line, *words):
    """The words that bash offers for the last of `words`."""
    array = " ".join(f"'{word}'" for word in words)
    script = f"source ./bash; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _chimera; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = run("bash", "--norc", "-c", script, cwd=folder)
    if done.stderr:
        fail(f"bash, {line}: {done.stderr}")
    return set(done.stdout.split())


def fish(folder, line, *_):
    done = run("fish", "--no-config", "-c", f"source ./fish; complete -C '{line}'", cwd=folder)
    if done.stderr:
        fail(f"fish, {line}: {done.stderr}")
    return {offer.split("\t")[0] for offer in done.stdout.splitlines()}


def complete(shell, folder, line):
    words = line.split(" ")
    return shell(folder, line, *words)


def expect(shell, folder, line, *offers, only=False):
    found = complete(shell, folder, line)
    missing = set(offers) - found
    if missing or (only and found != set(offers)):
        fail(f"{shell.__name__}, '{line}': {sorted(found)[:20]} instead of {offers}")


def helped():
    """The names that the help of each subcommand shows."""
    top = run(PROGRAM, "--help").stdout
    commands = re.findall(r"^  ([a-z_]+) {2,}\S", top[top.index("Subcommands:"):], re.M)
    return {one: set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", "\n".join(
        line[:30] for line in run(PROGRAM, one, "--help").stdout.splitlines() if line.startswith("  -")))) for one in commands}


def check(shell, folder):
    names = helped()
    expect(shell, folder, "chimera ", *names)
    expect(shell, folder, "chimera sim", "simulate", only=True)
    for command, options in names.items():
        expect(shell, folder, f"chimera {command} -{'-' if shell is fish else ''}", *options)
    expect(shell, folder, "chimera schedule --format ", "text", "json", "csv", "svg")
    expect(shell, folder, "chimera schedule bidirectional --scale d", "direct", "doubling", only=True)
    expect(shell, folder, "chimera plan --model gpt3", "gpt3-175b", only=True)
    expect(shell, folder, "chimera plan --hardware DGX-H1", "DGX-H100", only=True)
    expect(shell, folder, "chimera program zb_", "zb_h1", "zb_h2", "zb_interleaved", "zb_v", only=True)
    if shell is fish:
        expect(shell, folder, "chimera verify myf", "myfile.json", only=True)
        expect(shell, folder, "chimera schedule gpipe --stages myf", only=True)


with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "myfile.json").write_text("{}", encoding="utf-8")
    for name in ("bash", "zsh", "fish"):
        pathlib.Path(folder, name).write_text(run(PROGRAM, "completion", name).stdout, encoding="utf-8")
        if shutil.which(name):
            read = run(name, "-n", name, cwd=folder)
            if read.returncode != 0 or read.stderr:
                fail(f"{name} does not read its script: {read.stderr}")
    check(bash, folder)
    if shutil.which("fish"):
        check(fish, folder)
refused = run(PROGRAM, "completion", "tcsh")
if refused.returncode != 2 or "bash, zsh and fish" not in refused.stderr:
    fail(f"tcsh: {refused.stderr}")
finish()
