# SPDX-License-Identifier: Apache-2.0
"""Two processes over Gloo leave the gradients of a run without a pipeline."""
import pathlib
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("family, options", [
    ("one_f_one_b", {"micro_batches": 5}), ("zb_v", {"micro_batches": 7}), ("bidirectional", {"micro_batches": 6}),
    ("bidirectional", {"micro_batches": 8, "scale": "doubling"}), ("interleaved", {"micro_batches": 4, "chunks": 3}),
    ("dualpipe_v", {"micro_batches": 9}), ("zb_h1", {"micro_batches": 3})])
def test_gradients_equal_a_serial_run(family, options, tmp_path):
    workers = 2
    words = [str(workers), str(tmp_path / "meet"), family, *(f"{k}={v}" for k, v in options.items())]
    ranks = [subprocess.Popen([sys.executable, HERE / "two_ranks.py", str(rank), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) for rank in range(workers)]
    said = [rank.communicate(timeout=240)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * workers, said
    assert all("equal" in text for text in said)
