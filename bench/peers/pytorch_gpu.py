#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The blocks and training steps of bench_gpu in PyTorch at its best, on random data. Prints a line for people and one that begins
with `json ` for everything it has tried; the fastest way of each piece of work is the peer.

Shapes are static (torch.compile with dynamic=False, forgotten between pieces of work), the vocabulary has 50,304 rows, AdamW is fused,
activations are bf16. Attention's backends (cuDNN, flash, efficient, math) are timed alone at each shape, and the fastest that works is
taken. Every piece of work is done in one way first; then precision, how much is compiled at once and the compiler's mode are changed
in turn, and each change that helps is kept, until --seconds are over. A cut-off log keeps the best so far.

`--device cpu --tiny` runs all of it on a machine without a GPU: it shows that the script works, and its times mean nothing.
"""

import argparse
import importlib.util
import json
import subprocess
import sys

from gpu import work
from gpu.clock import Place
from gpu.ways import Search, reason

# Seconds for the trying of a part, compiling included. By estimate, not by measurement: a block's first way compiles in some 10 s.
SECONDS = {"blocks": 45, "llama": 45, "models": 120}
QUICK_SECONDS = {"blocks": 15, "llama": 15, "models": 30}


def refuse(message):
    print(f"pytorch_gpu.py: {message}", file=sys.stderr)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to measure (124M, 350M, 1558M); none: all")
    parser.add_argument("--part", action="append", choices=work.PARTS, help="of the work; may be given more than once; none: all")
    parser.add_argument("--alone", choices=work.PARTS, help=argparse.SUPPRESS)  # what each_in_a_process adds: this part, whatever --part says
    parser.add_argument("--quick", action="store_true", help="blocks of 1024 tokens, the first model, less time for trying")
    parser.add_argument("--seconds", type=float, help="time for the trying of each part; the first way of each piece of work is always done")
    parser.add_argument("--eager", action="store_true", help="not compiled")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="toys instead of the models, to try the script")
    given = parser.parse_args()
    known = [each["name"] for each in (work.TINY if given.tiny else work.WORK)["models"]]
    for name in given.names:
        if name not in known:
            refuse(f"unknown model {name} (known: {', '.join(known)}) name one of them")
    if given.seconds is not None and not given.seconds >= 0:
        refuse(f"{given.seconds} seconds (none is no time, less is nonsense) give a number from 0 up")
    if given.device == "cpu" and not given.tiny:
        refuse("the models take hours on a CPU (that is no comparison) add --tiny to try the script")
    return given


class Voice:
    """Says what was tried, for people and for the page."""

    def __init__(self, torch, place):
        self.common = {"peer": f"PyTorch {torch.__version__}", "device": place.name}

    def say(self, text, **entry):
        print(text)
        print("json " + json.dumps({**entry, **self.common}), flush=True)

    def machine(self, torch):
        cudnn = torch.backends.cudnn.version()
        self.say(f"{self.common['peer']} on {self.common['device']}, CUDA {torch.version.cuda}, cuDNN {cudnn}", suite="peer",
                 cuda=torch.version.cuda, cudnn=cudnn)

    def tried(self, what, way, result):
        outcome = result.get("refused") or f"{1e3 * result['seconds']:.3f} ms, spread {100 * result['spread']:.1f} %"
        took = f" (tried for {result['tried_seconds']:.1f} s)" if "tried_seconds" in result else ""
        self.say(f"{work.label(what)}: {way}: {outcome}{took}", **{**what, "way": str(way), "precision": way.precision, "attention": way.attention, **result})

    def attention(self, what, name, result):
        outcome = result.get("refused") or f"{1e3 * result['seconds']:.3f} ms"
        shape = {key: what[key] for key in ("sequences", "tokens", "heads", "channels")}
        self.say(f"{work.label(what)}: attention alone, {name}: {outcome}", suite="attention", **shape, attention=name, **result)


class Ranking:
    """The backends of attention that work at a shape, the fastest first; each shape is timed once."""

    def __init__(self, measure, names, voice):
        self.measure, self.names, self.voice, self.known = measure, names, voice, {}

    def result(self, what, name):
        try:
            return {"seconds": self.measure.attention_alone(what, name)}
        except Exception as failure:  # whatever this backend does not do
            return {"refused": reason(failure)}

    def __call__(self, what):
        shape = tuple(what[key] for key in ("sequences", "tokens", "heads", "channels"))
        if shape not in self.known:
            results = {name: self.result(what, name) for name in self.names}
            for name, result in results.items():
                self.voice.attention(what, name, result)
            self.known[shape] = sorted((name for name in results if "seconds" in results[name]), key=lambda name: results[name]["seconds"])
        return self.known[shape]


def each_in_a_process(parts):
    """The greatest exit code. In one process, a part that stopped PyTorch's compiler half-way would spoil the next."""
    codes = [subprocess.run([sys.executable, __file__, *sys.argv[1:], "--alone", part]).returncode for part in parts]
    return max(code if code >= 0 else 128 - code for code in codes)


def main():
    given = arguments()
    parts = [given.alone] if given.alone else list(dict.fromkeys(given.part or work.PARTS))
    if len(parts) > 1:
        sys.exit(each_in_a_process(parts))
    part, = parts
    if importlib.util.find_spec("torch") is None:
        refuse("no PyTorch (it is the peer) install it: pip install torch")
    from gpu.torch_work import ATTENTIONS, Measure, torch
    if given.device == "cuda" and not torch.cuda.is_available():
        refuse("PyTorch sees no GPU (torch.cuda.is_available() is false) try the script with --device cpu --tiny")
    torch.set_float32_matmul_precision("high")
    place = Place(torch, given.device)
    voice = Voice(torch, place)
    voice.machine(torch)
    measure = Measure(place, part)
    seconds = given.seconds if given.seconds is not None else (QUICK_SECONDS if given.quick else SECONDS)[part]
    pieces = work.chosen(part, given.names, given.tiny, given.quick)
    search = Search(measure, voice.tried, seconds)
    search.run(part, given.eager, pieces, Ranking(measure, ATTENTIONS, voice))
    sys.exit(0 if len(search.best) == len(pieces) else 3)


if __name__ == "__main__":
    main()
