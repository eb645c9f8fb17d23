# SPDX-License-Identifier: Apache-2.0
"""The end of each check of the structure: a line for each fault."""
import pathlib
import sys


def of(check):
    """Runs `check` on the folder that the command line names, else on this tree. Returns the exit code."""
    here = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    faults = check(here)
    for line in faults:
        print(line)
    return 1 if faults else 0
