#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every command that a page of the documentation shows, in the page's order, in a scratch folder of its own.

    run_commands.py PROGRAM SOURCE PAGE.md [--write]

Blocks marked `sh` are commands; a block marked `json NAME` is the file NAME, which commands after it find. The scratch
folder holds links to the project's folders, and `chimera` is PROGRAM. A line that ends in `# exits K` must end with
that status, all others with 0. A block marked `output` shows all that the command before it prints; only seconds that
it took may differ; --write puts what is printed now into the page. A comment before a block names the file that runs it instead, where it must stand, or says why no
test runs it:

    <!-- run by .ci/run -->
    <!-- not run: takes an hour -->

A page that shows a command anywhere else, in a block without a mark or indented, fails.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(.*)$")
ELSEWHERE = re.compile(r"^<!-- (?:run by (\S+)|not run: (.+)) -->$")
COMMAND = re.compile(r"(\$ )?(chimera|bash|cmake|ctest|ninja|mpirun) ")
TOOK = re.compile(r" in [0-9.]+ m?s\b")
EXITS = re.compile(r"#\s*exits (\d+)\s*$")


def blocks_of(page):
    """(mark, lines, who runs it instead, line number) of every fenced block."""
    inside, mark, lines, elsewhere, number = False, "", [], None, 0
    for at, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if fence and not inside:
            inside, mark, lines, number = True, fence.group(1).strip(), [], at
        elif fence:
            inside = False
            yield mark, lines, elsewhere, number
            elsewhere = None
        elif inside:
            lines.append(line)
        elif line.strip():
            found = ELSEWHERE.match(line)
            elsewhere = found.groups() if found else None
            if line.startswith("    ") and COMMAND.match(line.strip()):
                yield "", [line], None, at


def commands_of(lines):
    """Whole commands: lines that end in a backslash go on."""
    command = ""
    for line in lines:
        command += line
        if line.endswith("\\"):
            command = command[:-1]
            continue
        if command.strip() and not command.lstrip().startswith("#"):
            yield command.strip()
        command = ""


def prepare(folder, program, source):
    for each in source.iterdir():
        if not each.name.startswith((".", "build", "runs")):
            (folder / each.name).symlink_to(each)
    tools = folder / ".tools"
    tools.mkdir()
    (tools / "chimera").symlink_to(program)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}


def run(command, folder, environment):
    wanted = EXITS.search(command)
    status = int(wanted.group(1)) if wanted else 0
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if ended.returncode == status:
        return ended.stdout
    print(f"`{command}` ended with {ended.returncode}, not {status}:\n{ended.stdout[-2000:]}")
    return None


def same_output(printed, lines):
    """Compares what a command printed with what the page shows, but for seconds and blanks at the ends of lines."""
    first, second = (TOOK.sub("", text).strip().splitlines() for text in (printed or "", "\n".join(lines)))
    return [line.rstrip() for line in first] == [line.rstrip() for line in second]


def rewrite(page, changes):
    """Replaces the blocks that open at the numbered lines."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, printed in sorted(changes.items(), reverse=True):
        end = next(at for at in range(number, len(lines)) if FENCE.match(lines[at]))
        lines[number:end] = [line.rstrip() for line in printed.strip("\n").splitlines()]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    program, source, page = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    good, count, printed, changes = True, 0, None, {}
    write = sys.argv[4:] == ["--write"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = prepare(folder, program, source)
        for mark, lines, elsewhere, number in blocks_of(page):
            where = f"{page.name}:{number}"
            kind, *rest = mark.split() or [""]
            if kind == "json" and rest:
                (folder / rest[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")
            if kind == "output" and not same_output(printed, lines):
                changes[number] = printed or ""
                if write:
                    continue
                print(f"{where}: the command before prints something else:\n{printed}")
                good = False
            if kind == "" and any(COMMAND.match(line.strip()) for line in lines):
                print(f"{where}: commands in a block that is not marked sh")
                good = False
            if kind != "sh":
                continue
            for command in commands_of(lines):
                count += 1
                if elsewhere:
                    file, why = elsewhere
                    if file and re.sub(r"\s*#.*", "", command) not in (source / file).read_text(encoding="utf-8"):
                        print(f"{where}: {file} does not run `{command}`")
                        good = False
                    if why:
                        print(f"{where}: not run ({why}): {command}")
                elif (printed := run(command, folder, environment)) is None:
                    print(f"{where}: see above")
                    good = False
    if write and changes:
        rewrite(page, changes)
        print(f"{page.name}: {len(changes)} blocks written anew")
    print(f"{page.name}: {count} commands")
    sys.exit(0 if good else 1)


main()
