# SPDX-License-Identifier: Apache-2.0
"""The page of bench/gpu.sh, made of recorded logs (their figures are made up) and of logs that are cut off anywhere."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests" / "fixtures" / "gpu_logs"
SCRIPT = ROOT / "bench" / "gpu_report.py"
sys.path.insert(0, str(SCRIPT.parent))

import gpu_report  # noqa: E402
from gpu_page import logs  # noqa: E402


def block(seconds, flops, channels=2048, **more):
    return {"suite": "block", "kind": "gpt2", "channels": channels, "sequences": 7, "tokens": 1023, "flops": flops, "seconds": seconds, **more}


class Folder(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def write(self, name, *entries):
        (self.folder / name).write_text("".join(f"json {json.dumps(entry)}\n" for entry in entries), encoding="utf-8")

    def page(self):
        return "\n".join(gpu_report.page(self.folder))

    def row(self, begin):
        """Cells of the first row that begins so."""
        line = next(line for line in self.page().splitlines() if line.startswith(f"| {begin}"))
        return [cell.strip() for cell in line.strip("|").split(" | ")]


class Recorded(unittest.TestCase):
    """The program as bench/gpu.sh calls it."""

    maxDiff = None

    def check(self, name):
        made = subprocess.run([sys.executable, "-B", str(SCRIPT), str(LOGS / name)], capture_output=True, check=True, env={"LC_ALL": "C"})
        self.assertEqual(made.stderr, b"")
        self.assertEqual(made.stdout.decode(), (LOGS / f"{name}.md").read_text(encoding="utf-8"))

    def test_whole(self):
        self.check("whole")

    def test_cut_off(self):
        self.check("cut")

    def test_failures(self):
        self.check("failed")

    def test_refuses_what_is_no_folder(self):
        for arguments in ([], ["/no/such/folder"], [str(SCRIPT)], [str(LOGS), str(LOGS)]):
            made = subprocess.run([sys.executable, "-B", str(SCRIPT), *arguments], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stdout, made.stderr.count("\n")), (2, "", 1), arguments)
            self.assertTrue(made.stderr.startswith("gpu_report.py: "))


class CutAnywhere(Folder):
    def setUp(self):
        super().setUp()
        for log in (LOGS / "whole").iterdir():
            shutil.copy(log, self.folder)

    def test_ends_anywhere(self):
        for path in sorted(self.folder.iterdir()):
            whole = path.read_bytes()
            for size in [*range(1, len(whole) - 1, 211), len(whole) - 1]:
                if whole[size - 1:size] == b"\n":
                    continue
                path.write_bytes(whole[:size])
                text = self.page()
                self.assertIn(f"- `{path.name}`: ends in mid-line", text, size)
                self.assertNotIn("None", text, size)
            path.write_bytes(whole)
        self.assertNotIn("Not whole", self.page())

    def test_each_missing_or_empty(self):
        for name in logs.NAMES:
            path = self.folder / name
            whole = path.read_bytes()
            path.write_bytes(b"\n")
            self.assertIn(f"- `{name}`: is empty", self.page())
            path.unlink()
            self.assertIn(f"- `{name}`: is missing", self.page())
            path.write_bytes(whole)

    def test_all_missing(self):
        for path in self.folder.iterdir():
            path.unlink()
        text = self.page()
        for name in logs.NAMES:
            self.assertIn(f"- `{name}`: is missing", text)
        self.assertIn("Nothing was measured", text)

    def test_nothing_in_a_log_is_markdown(self):
        (self.folder / "environment").write_text("package: *a* `b` <b>c</b> | __d__ [e](f)\n", encoding="utf-8")
        self.assertIn(r"- package: \*a\* \`b\` &lt;b>c&lt;/b> \| \__d\__ \[e\](f)", self.page())

    def test_what_is_no_text(self):
        (self.folder / "ours-blocks").write_bytes(b"\xff\xfe json {\x00\njson [1]\njson {\"suite\": 3}\n")
        self.assertIn("- `ours-blocks`: has 1 line of figures that cannot be read", self.page())


class Figures(Folder):
    """Small numbers, worked out by hand."""

    def test_ratio_rates_and_shares(self):
        self.write("ours-blocks", {"suite": "machine", "gpu": "a GPU", "peak": 4e12}, block(0.010, 2e10, spread=0.0123))
        self.write("peer-blocks", block(0.016, 2e10, way="one"), block(0.012, 2e10, way="two", spread=0.5), block(0.013, 2e10, way="three"))
        cells = self.row("GPT-2 block, 2048 channels, 7 × 1023 tokens | 10.00")
        self.assertEqual(cells[1:], ["10.00", "12.00", "1.20", "1.2 %, 50.0 %", "2, 2", "50.0 %, 41.7 %"])
        self.assertIn("| **two** | **12.00** | 50.0 % |", self.page())
        self.assertIn("| one | 16.00 | – |", self.page())

    def test_goals_at_their_bounds(self):
        self.write("ours-blocks", {"suite": "machine", "peak": 989e12}, block(1, 593.5e12), block(1, 593.3e12, 4096), block(0.010, 1, 64))
        self.write("peer-blocks", block(1.11, 1), block(1.09, 1, 4096), block(0.011, 1, 64))
        goals = [line for line in self.page().splitlines() if line.endswith(("| met |", "| missed |"))]
        self.assertEqual([line.split(" | ")[-1] for line in goals], ["met |", "missed |", "missed |", "met |", "missed |", "met |"])
        self.assertIn("3 met, 3 missed, 0 open.", self.page())

    def test_an_unknown_gpu_has_no_shares(self):
        self.write("ours-blocks", {"suite": "machine", "gpu": "a GPU", "peak": 0}, block(0.010, 2e10))
        self.assertEqual(self.row("GPT-2 block, 2048 channels, 7 × 1023 tokens | 10.00")[-1], "–, –")
        self.assertIn("this GPU's peak is not known", self.page())
        self.write("ours-blocks", {"suite": "machine", "gpu": "a GPU", "peak": 835e12}, block(0.010, 2e10))
        self.assertIn("this GPU's peak is 835", self.page())

    def test_values_that_are_none(self):
        for bad in (0, -1, None, "fast", True, float("inf")):
            self.write("ours-blocks", block(bad, 2e10), block(0.010, bad, 96, spread=bad))
            self.assertNotIn("2048 channels", self.page(), bad)
            self.assertEqual(self.row("GPT-2 block, 96 channels, 7 × 1023 tokens | 10.00")[5], "–, –", bad)

    def test_masters_in_both(self):
        ours = {"suite": "model", "name": "m", "sequences": 3, "micro_batches": 5, "seconds": 2.0}
        self.write("ours-models", ours)
        self.write("peer-models", {**ours, "seconds": 1.0, "precision": "bf16 weights"}, {**ours, "seconds": 3.0, "precision": "autocast"},
                   {**ours, "seconds": 5.0, "precision": "autocast"})
        cells = self.row("GPT-2 m, 5 × 3 sequences | 2000.00")
        self.assertEqual((cells[3], cells[-1]), ("0.50", "1.50"))

    def test_blocks_alone(self):
        entry = {"suite": "block", "kind": "llama", "name": "x", "channels": 64, "sequences": 3, "tokens": 500, "layers": 5, "seconds": 0.1}
        self.write("ours-llama", entry)
        self.assertEqual(self.row("LLaMA x block")[-1], "open")
        self.assertIn("| 3,000, – |", self.page())


if __name__ == "__main__":
    unittest.main()
