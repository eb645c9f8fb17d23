# SPDX-License-Identifier: Apache-2.0
"""The peer on the GPU with PyTorch, on toys and a CPU. Skipped where PyTorch is missing."""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

if importlib.util.find_spec("torch") is None:
    print("skipped: no PyTorch")
    sys.exit(77)

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers" / "pytorch_gpu.py"
sys.path.insert(0, str(SCRIPT.parent))

from gpu import clock, torch_work, ways, work  # noqa: E402
import gpt2  # noqa: E402
import llama  # noqa: E402
import torch  # noqa: E402


def normed(x, weight):
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight


def turned(x, heads):
    """Rotary positions as a product of complex numbers: element i with element i + size/2."""
    b, t, c = x.shape
    size = c // heads
    x = x.view(b, t, heads, size)
    z = torch.complex(x[..., :size // 2], x[..., size // 2:])
    exponent = torch.arange(size // 2, dtype=torch.float64) * 2 / size
    angle = torch.arange(t, dtype=torch.float64)[:, None] / 10000**exponent
    z = z * torch.polar(torch.ones_like(angle), angle)[:, None]
    return torch.cat((z.real, z.imag), -1)


def block_in_double(layer, x):
    """A LLaMA block from its definition: no fused operation, attention one query at a time."""
    b, t, c = x.shape
    w = {name: p.detach().double() for name, p in layer.named_parameters()}
    q, k, v = (normed(x, w["norm_1.weight"]) @ w["attend.weight"].T).split(c, 2)
    q, k, v = turned(q, layer.heads), turned(k, layer.heads), v.view(b, t, layer.heads, -1)
    y = torch.zeros_like(v)
    for i in range(t):
        scores = torch.einsum("bhd,bshd->bhs", q[:, i], k[:, :i + 1]) / q.shape[-1]**0.5
        y[:, i] = torch.einsum("bhs,bshd->bhd", scores.softmax(-1), v[:, :i + 1])
    x = x + y.reshape(b, t, c) @ w["project.weight"].T
    gate, up = (normed(x, w["norm_2.weight"]) @ w["widen.weight"].T).chunk(2, -1)
    return x + (gate / (1 + torch.exp(-gate)) * up) @ w["narrow.weight"].T


class Models(unittest.TestCase):
    def test_a_llama_block(self):
        for channels, heads, hidden, tokens in ((24, 2, 65, 7), (30, 3, 31, 1), (36, 1, 100, 19)):
            torch.manual_seed(tokens)
            layer = llama.Block(channels, hidden, heads, tokens)
            x = torch.randn(3, tokens, channels)
            torch.testing.assert_close(layer(x).double(), block_in_double(layer, x.double()), rtol=2e-5, atol=2e-5)

    def test_rotations_stay_exact_in_bf16(self):
        layer = llama.Block(16, 8, 2, 5).to(torch.bfloat16)
        self.assertEqual({each.dtype for each in layer.turn}, {torch.float32})
        self.assertEqual(layer(torch.randn(1, 5, 16, dtype=torch.bfloat16)).dtype, torch.bfloat16)

    def test_stages_make_the_whole(self):
        """Embedding, blocks and head give what stages of a pipeline give one after the other."""
        torch.manual_seed(1)
        first, last = gpt2.Stage(1, 3, 12, 31, 9, last=False), gpt2.Stage(2, 3, 12, 31, 9, first=False)
        whole = gpt2.Stage(3, 3, 12, 31, 9)
        whole.load_state_dict({**first.state_dict(), **{name.replace("blocks.1", "blocks.2").replace("blocks.0", "blocks.1"): value
                                                        for name, value in last.state_dict().items()}})
        tokens = torch.randint(31, (2, 9))
        torch.testing.assert_close(whole(tokens), last(first(tokens)))
        torch.testing.assert_close(whole(tokens, tokens), gpt2.loss(last(first(tokens)), tokens))


class Fairness(unittest.TestCase):
    """What makes the peer the best PyTorch that is known, and its work the same as chimera's."""

    def measure(self, part):
        return torch_work.Measure(clock.Place(torch, "cpu"), part)

    def test_static_shapes_forgotten_between_measurements(self):
        asked = []

        def compiled(self_or_function, **how):
            asked.append(how)
            return self_or_function

        with mock.patch.object(torch.nn.Module, "compile", compiled), mock.patch.object(torch, "compile", compiled), \
                mock.patch("torch._dynamo.reset") as reset:
            for part in work.PARTS:
                for what in work.TINY[part]:
                    for scope in (ways.EACH, ways.WHOLE):
                        asked.clear()
                        reset.reset_mock()
                        self.measure(part)(what, ways.Way("a mode", scope, ways.AUTOCAST, "math"))
                        pieces = what["layers"] + 2 if part == "models" and scope == ways.EACH else 1
                        self.assertEqual(asked, [{"dynamic": False, "mode": "a mode"}] * pieces)
                        self.assertEqual(reset.call_count, 1)

    @unittest.skipIf(shutil.which("g++") is None, "PyTorch compiles with g++")
    def test_the_backend_of_attention_that_was_asked_for(self):
        """Compiled code of one backend is not found again for another, not even in a cache on disk."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", TORCHINDUCTOR_CACHE_DIR=folder):
            for name in ("flash", "math"):
                measure, ran = self.measure("blocks"), set()

                def profiled(run, *_):
                    run()
                    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
                        run()
                    ran.update(event.key for event in profile.key_averages() if "flash" in event.key)
                    return {"seconds": 1.0, "spread": 0.0}

                measure.place.timed = profiled
                measure(work.TINY["blocks"][0], ways.Way("default", ways.ALONE, ways.BF16, name))
                self.assertEqual(bool(ran), name == "flash", name)

    def test_gradients_of_blocks_are_written_anew(self):
        for part, kind in (("blocks", gpt2), ("llama", llama)):
            made, seen = [], []

            class Kept(kind.Block):
                def __init__(self, *arguments):
                    super().__init__(*arguments)
                    made.append(self)

            measure = self.measure(part)
            measure.place.call_by_events = lambda run: (run(), seen.append([p.grad.clone() for p in made[0].parameters()]), 1.0)[2]
            with mock.patch.object(kind, "Block", Kept):
                measure(work.TINY[part][0], ways.Way("eager", ways.ALONE, ways.BF16, "math"))
            self.assertEqual(len(seen), 20)
            for first, last in zip(seen[0], seen[-1]):
                torch.testing.assert_close(first, last, rtol=0, atol=0)

    def test_the_vocabulary_is_padded(self):
        with mock.patch.object(gpt2, "Stage", side_effect=OverflowError) as stage:
            with self.assertRaises(OverflowError):
                self.measure("models")(work.WORK["models"][2], ways.Way("eager", ways.WHOLE, ways.BF16, "math"))
        stage.assert_called_once_with(48, 25, 1600, 50304, 1024)

    def test_precisions(self):
        for precision, kind in ((ways.BF16, torch.bfloat16), (ways.AUTOCAST, torch.float32)):
            with mock.patch.object(gpt2, "optimiser", wraps=gpt2.optimiser) as optimiser:
                parameters = []
                optimiser.side_effect = lambda given: parameters.extend(given) or torch.optim.AdamW(parameters, fused=True)
                self.measure("models")(work.TINY["models"][1], ways.Way("eager", ways.WHOLE, precision, "math"))
            self.assertEqual({p.dtype for p in parameters}, {kind})


class Script(unittest.TestCase):
    def run_script(self, *arguments):
        made = subprocess.run([sys.executable, "-B", str(SCRIPT), "--device", "cpu", "--tiny", "--eager", *arguments], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        return [json.loads(line[5:]) for line in made.stdout.splitlines() if line.startswith("json ")]

    def test_all_of_it(self):
        entries = self.run_script("--seconds", "100")
        self.assertTrue(all(entry["peer"].startswith("PyTorch ") and entry["device"] == "CPU" for entry in entries))
        timed = [entry for entry in entries if entry["suite"] in ("block", "model") and "seconds" in entry]
        for what in sum(work.TINY.values(), []):
            found = [entry for entry in timed if all(entry.get(key) == value for key, value in what.items())]
            self.assertEqual({entry["precision"] for entry in found}, {ways.AUTOCAST, ways.BF16}, what)
            self.assertTrue(all(entry["attention"] in entry["way"] and entry["seconds"] > 0 and entry["spread"] >= 0 for entry in found))
            if what["suite"] == "model":
                tokens = what["sequences"] * what["micro_batches"] * what["tokens"]
                self.assertTrue(all(abs(entry["tokens_per_second"] * entry["seconds"] - tokens) < 1e-6 * tokens for entry in found))
        alone = [entry for entry in entries if entry["suite"] == "attention"]
        self.assertEqual({entry["attention"] for entry in alone}, set(torch_work.ATTENTIONS))
        self.assertEqual({entry["attention"] for entry in alone if "refused" in entry}, {"cuDNN", "efficient"})  # not on a CPU

    def test_parts_and_names(self):
        entries = self.run_script("--part", "models", "--seconds", "0", "odd")
        self.assertEqual({entry["name"] for entry in entries if entry["suite"] == "model"}, {"odd"})
        entries = self.run_script("--part", "llama", "--part", "blocks", "--seconds", "0", "--quick")
        self.assertEqual({entry["kind"] for entry in entries if entry["suite"] == "block"}, {"gpt2", "llama"})
        self.assertFalse([entry for entry in entries if entry["suite"] == "model"])


if __name__ == "__main__":
    unittest.main()
