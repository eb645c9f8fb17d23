# SPDX-License-Identifier: Apache-2.0
"""Collects the failures of a test, and ends it by them."""
import sys

found = []


def fail(text):
    found.append(text)
    print("FAILED:", text)


def finish():
    print("no failures" if not found else f"{len(found)} failures")
    sys.exit(1 if found else 0)
