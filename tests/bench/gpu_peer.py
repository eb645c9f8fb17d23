# SPDX-License-Identifier: Apache-2.0
"""The peer on the GPU without PyTorch: FLOP, medians, and the search for its fastest way."""
import dataclasses
import itertools
import pathlib
import subprocess
import sys
import time
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers" / "pytorch_gpu.py"
sys.path.insert(0, str(SCRIPT.parent))

import pytorch_gpu  # noqa: E402
from gpu import clock, ways, work  # noqa: E402


def products(rows, shapes):
    """FLOP of products forward and backward (three of the same size each), one multiplication and one addition at a time."""
    return sum(3 * 2 * rows * inputs * outputs for inputs, outputs in shapes)


def attention(sequences, tokens, channels):
    """Scores and values, forward and backward, of half the square."""
    return 3 * 2 * 2 * sequences * channels * tokens * tokens // 2


class Flop(unittest.TestCase):
    def test_blocks(self):
        for c, sequences, tokens in itertools.product((24, 130, 768), (1, 3), (2, 77)):
            rows = sequences * tokens
            wanted = products(rows, [(c, 3 * c), (c, c), (c, 4 * c), (4 * c, c)]) + attention(sequences, tokens, c)
            self.assertEqual(work.block(c, sequences, tokens, 2)["flops"], wanted)

    def test_llama_blocks(self):
        for c, hidden, sequences, tokens in itertools.product((24, 130), (65, 344), (1, 3), (2, 77)):
            rows = sequences * tokens
            wanted = products(rows, [(c, 3 * c), (c, c), (c, 2 * hidden), (hidden, c)]) + attention(sequences, tokens, c)
            self.assertEqual(work.llama("x", c, hidden, 2, 5, sequences, tokens)["flops"], wanted)

    def test_steps(self):
        made = work.model("x", 5, 2, 26, 3, 7, tokens=11, vocabulary=101)
        rows = 3 * 7 * 11
        wanted = 5 * (products(rows, [(26, 3 * 26), (26, 26), (26, 4 * 26), (4 * 26, 26)]) + attention(3 * 7, 11, 26)) + products(rows, [(26, 101)])
        self.assertEqual(made["flops"], wanted)

    def test_shapes(self):
        self.assertEqual([(w["channels"], w["sequences"], w["tokens"]) for w in work.WORK["blocks"]],
                         [(2048, 16, 1024), (2048, 4, 4096), (4096, 16, 1024), (4096, 4, 4096)])
        self.assertEqual({(w["name"], w["hidden"], w["heads"], w["layers"]) for w in work.WORK["llama"]},
                         {("1.3B", 5504, 16, 24), ("7B", 11008, 32, 32)})
        self.assertEqual(work.PADDED_VOCABULARY, -(-work.VOCABULARY // 64) * 64)
        self.assertEqual([w["name"] for w in work.chosen("models", ["350M"], False, True)], ["350M"])
        self.assertEqual([w["name"] for w in work.chosen("models", [], False, True)], ["124M"])
        self.assertEqual({w["tokens"] for w in work.chosen("llama", [], False, True)}, {1024})


class Summary(unittest.TestCase):
    def test_mean_of_the_middle_two(self):
        self.assertEqual(clock.summary([4.0, 1.0, 2.0, 8.0]), {"seconds": 3.0, "spread": 7.0 / 3.0})
        self.assertEqual(clock.summary([4.0, 1.0, 2.5]), {"seconds": 2.5, "spread": 1.2})

    def test_calls(self):
        """The first call, further warm-ups, then those that count, of which memory is counted after the first."""
        place, log = clock.Place(None, "cpu"), []
        place.free = lambda: log.append("free")
        took = place.timed(lambda: log.append("run"), 3, 4, lambda run: (run(), 0.5)[1])
        self.assertEqual(log, ["run", "free", "run", "run", "run", "run", "run", "run"])
        self.assertEqual(took, {"seconds": 0.5, "spread": 0.0})


class Clock:
    """Time that passes when something is tried."""
    time = 0.0

    def __call__(self):
        return self.time


class SearchOfTheFastest(unittest.TestCase):
    def setUp(self):
        self.clock, self.heard = Clock(), []
        self.costs = 10.0  # of trying a way

    def search(self, seconds_of, limit, part="blocks", pieces=("a", "b"), attentions=("quick", "slow")):
        def measure(what, way):
            self.clock.time += self.costs
            result = seconds_of(what, way)
            if isinstance(result, Exception):
                raise result
            return {"seconds": result}

        made = ways.Search(measure, lambda *each: self.heard.append(each), limit, self.clock)
        made.run(part, False, list(pieces), lambda what: attentions)
        return made

    def refused(self):
        return [result["refused"] for _, _, result in self.heard if "refused" in result]

    def test_the_first_way_is_always_tried(self):
        made = self.search(lambda what, way: 1.0, 0)
        self.assertEqual(len(made.best), 2)
        self.assertEqual(len([1 for _, _, result in self.heard if "seconds" in result]), 2)
        self.assertTrue(all("not tried" in why for why in self.refused()))
        self.assertEqual(len(self.refused()), 2 * len(ways.changes("blocks", False)))

    def test_changes_that_help_are_kept(self):
        times = {ways.BF16: 0.8, ways.AUTOCAST: 1.0}

        def seconds_of(what, way):
            return times[way.precision] * (1.1 if way.scope == ways.WHOLE else 1.0) * (0.9 if "max" in way.mode else 1.0)

        made = self.search(seconds_of, 1000, "models", ["a"])
        seconds, way = made.best[0]
        self.assertEqual(way, ways.Way("max-autotune-no-cudagraphs", ways.EACH, ways.BF16, "quick"))
        self.assertAlmostEqual(seconds, 0.72)
        self.assertEqual(len(self.heard), 5)

    def test_backends_of_attention_in_turn(self):
        def seconds_of(what, way):
            return RuntimeError("no backward\nat all") if (what, way.attention) == ("a", "quick") else 1.0

        made = self.search(seconds_of, 0)
        self.assertEqual([made.best[i][1].attention for i in (0, 1)], ["slow", "quick"])
        self.assertIn("RuntimeError: no backward", self.refused())

    def test_what_works_in_no_way_is_named(self):
        made = self.search(lambda what, way: MemoryError() if what == "a" else 1.0, 1000)
        self.assertEqual(list(made.best), [1])
        self.assertEqual(self.refused(), ["MemoryError", "MemoryError"])  # changes of it are not tried

    def test_time(self):
        self.search(lambda what, way: 1.0, 35)  # first ways until 20, one change until 30, five seconds are too few for another
        self.assertEqual(len([1 for _, _, result in self.heard if "seconds" in result]), 3)
        self.assertEqual(self.refused()[0], "not tried (its first way took 10 s, 5 s were left)")

    def test_a_way_that_takes_too_long_is_stopped(self):
        def measure(what, way):
            if "max" in way.mode:
                time.sleep(60)
            return {"seconds": 1.0}

        began = time.monotonic()
        made = ways.Search(measure, lambda *each: self.heard.append(each), 0.3)
        made.run("blocks", False, ["a"], lambda what: ["quick"])
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(made.best[0][1].mode, "default")
        self.assertIn("stopped", self.refused()[0])

    def test_names(self):
        way = ways.Way("default", ways.EACH, ways.AUTOCAST, "cuDNN")
        self.assertEqual(str(way), "compiled default block by block, autocast, cuDNN attention")
        self.assertEqual(str(dataclasses.replace(way, mode="eager")), "eager, autocast, cuDNN attention")


class Refusals(unittest.TestCase):
    def test_bad_arguments(self):
        for arguments in (["2B"], ["--seconds", "-1"], ["--seconds", "nan"], ["--device", "cpu"], ["tiny"], ["--tiny", "124M", "--device", "cpu"]):
            made = subprocess.run([sys.executable, "-B", str(SCRIPT), *arguments], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stdout, made.stderr.count("\n")), (2, "", 1), (arguments, made.stderr))

    def test_the_bounds(self):
        """Of the trying alone: bench/gpu.sh bounds the whole."""
        self.assertLessEqual(sum(pytorch_gpu.SECONDS.values()), 360)
        self.assertLessEqual(sum(pytorch_gpu.QUICK_SECONDS.values()), 80)


if __name__ == "__main__":
    unittest.main()
