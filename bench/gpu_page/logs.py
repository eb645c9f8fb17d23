# SPDX-License-Identifier: Apache-2.0
"""Reads the logs of bench/gpu.sh. Any of them may be missing, empty, or end in mid-line."""

import json

OURS = [f"ours-{suite}" for suite in ("products", "blocks", "llama", "models", "loopback")]
PEER = [f"peer-{part}" for part in ("blocks", "llama", "models")]
NAMES = ["environment", "tests", "sanitize", *OURS, *PEER]  # those that a whole run leaves
OTHERS = ["build", "ours", "ours-graph", "peer"]  # read where they are there
MARK = "gpu.sh: "  # begins what the script adds to a log


class Log:
    """`lines`; `entries`: the dictionaries of its `json ` lines; `faults`: what is wrong with it, in words."""

    def __init__(self, name, data):
        self.name, self.entries, self.faults = name, [], []
        if data is None:
            self.lines, self.faults = [], ["is missing"]
            return
        text = data.decode("utf-8", "replace").replace("\r", "")
        self.lines = text.split("\n")
        if not text.strip():
            self.faults.append("is empty")
        elif not text.endswith("\n"):
            self.faults.append("ends in mid-line")
        self.read_entries()
        self.read_marks()

    def read_entries(self):
        broken = 0
        for line in self.lines:
            start = line.find("json {")  # what went to standard error may stand before it
            if start < 0:
                continue
            try:
                self.entries.append(json.loads(line[start + 5:]))
            except ValueError:
                broken += 1
        if broken and "ends in mid-line" not in self.faults:
            self.faults.append(f"has {broken} {'line' if broken == 1 else 'lines'} of figures that cannot be read")


    def read_marks(self):
        """What the script says of a step, with the step's last words where it failed."""
        words = ""
        for line in self.lines:
            if line.startswith(MARK):
                said = line[len(MARK):].strip()
                self.faults.append(f"{said}; last words: {words[:200]}" if said.startswith("failed") and words else said)
            elif line.strip() and "json {" not in line:
                words = line.strip()


def read(folder, name):
    try:
        return Log(name, (folder / name).read_bytes())
    except OSError:
        return Log(name, None)


def read_all(folder):
    """Logs by name."""
    return {name: read(folder, name) for name in [*NAMES, *(name for name in OTHERS if (folder / name).is_file())]}


def entries(logs, kind, suite):
    """Of the logs whose names begin with `kind` ("ours", "peer")."""
    return [entry for name, log in logs.items() if name.startswith(kind) for entry in log.entries if entry.get("suite") == suite]
