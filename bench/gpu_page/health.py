# SPDX-License-Identifier: Apache-2.0
"""Tests on the GPU and what compute-sanitizer found: counts, and each failure by name."""

import re

from gpu_page.words import cell, code, counted

# "12/83 Test  #7: cuda_on_gpu.cuda.sums .....***Failed    0.31 sec"; what ctest says of a test is short and without dots.
RESULT = re.compile(r"^\s*\d+/(\d+) Test\s+#\s*\d+: (\S.*?) \.*\s*(?:\*\*\*|(?= Passed))(.*?)\s+[\d.]+ sec")  # names of typed tests hold spaces
START = re.compile(r"^\s*Start\s+\d+: (\S.*?)\s*$")
# What begins each finding of compute-sanitizer, and its sums.
FINDING = re.compile(r"^=========\s+((?:Invalid|Uninitialized|Error|Warning|Race|Barrier|Program hit|Leaked|Unused|Misaligned|Potential)\b.*)")
SUMS = re.compile(r"^=========\s+((?:ERROR|RACECHECK|LEAK) SUMMARY: .*)")
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\S+?),? .*\(\d+ ms\)$")
GTEST_PASSED = re.compile(r"^\[       OK \] \S+")


def read_tests(lines):
    """Outcomes by name (the last of each), the number there should be, and those that began and have no outcome."""
    outcomes, expected, begun = {}, 0, []
    for line in lines:
        if found := RESULT.match(line):
            expected = max(expected, int(found[1]))
            outcomes[found[2]] = found[3].strip()
        elif found := START.match(line):
            begun.append(found[1])
    return outcomes, expected, [name for name in dict.fromkeys(begun) if name not in outcomes]


def tests(log):
    outcomes, expected, unfinished = read_tests(log.lines)
    passed = sum(outcome == "Passed" for outcome in outcomes.values())
    skipped = [name for name, outcome in outcomes.items() if outcome == "Skipped"]
    failed = {name: outcome for name, outcome in outcomes.items() if outcome not in ("Passed", "Skipped")}
    if not outcomes and not unfinished:
        return ["## Tests on the GPU", "", "No test has run.", ""]
    missing = max(expected - len(outcomes), len(unfinished))
    lines = ["## Tests on the GPU", "", f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped, {missing} without an outcome, of "
             f"{max(expected, len(outcomes) + missing)}.", ""]
    lines += [f"- failed: {code(name)} ({cell(outcome)})" for name, outcome in failed.items()]
    lines += [f"- begun, without an outcome: `{name}`" for name in unfinished]
    lines += [f"- skipped: `{name}`" for name in skipped]
    return lines + [""] if lines[-1] else lines


def sanitizer(log):
    findings, sums, failed, passed, runs = {}, [], [], 0, 0
    for line in log.lines:
        line = line.rstrip()
        runs += line.startswith("========= COMPUTE-SANITIZER")
        passed += bool(GTEST_PASSED.match(line))
        if found := FINDING.match(line):
            findings[found[1]] = findings.get(found[1], 0) + 1
        elif found := SUMS.match(line):
            sums.append(found[1])
        elif found := GTEST_FAILED.match(line):
            failed.append(found[1])
    if not runs:
        return ["## Sanitizer", "", "It has not run.", ""]
    lines = ["## Sanitizer", "", f"{counted(runs, 'run')}, {counted(len(sums), 'sum')}; {counted(passed, 'test')} passed under it, "
             f"{len(failed)} failed.", ""]
    lines += [f"- {code(each)}" for each in sums]
    lines += [f"- {count} × {code(what)}" for what, count in findings.items()]
    lines += [f"- failed: {code(name)}" for name in dict.fromkeys(failed)]
    if len(sums) < runs:
        lines.append(f"- {counted(runs - len(sums), 'run')} without a sum: not finished")
    return lines + [""]
