#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs unit tests of the script: node.py PART [PROGRAM]. Exit status: 77 if Node.js 18 or newer is missing."""

import os
import pathlib
import shutil
import subprocess
import sys

node = shutil.which("node")
version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout if node else "v0"
if int(version[1:].split(".")[0]) < 18:
    print("skipped: Node.js 18 or newer is missing (apt-get install nodejs)")
    sys.exit(77)
file = pathlib.Path(__file__).resolve().parent / f"unit/{sys.argv[1]}.test.js"
environment = {**os.environ, **({"CHIMERA_PROGRAM": sys.argv[2]} if len(sys.argv) > 2 else {})}
sys.exit(subprocess.run([node, "--test", file], env=environment, check=False).returncode)
