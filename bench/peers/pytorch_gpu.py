#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same GPT-2 blocks and training steps in PyTorch on the GPU: bf16 weights and activations under autocast, fused attention,
compiled, fused AdamW, random data. Prints lines that begin with `json `.

`--device cpu --tiny` runs all of it in seconds on a machine without a GPU: it shows that the script works, and its times mean nothing.
"""

import argparse
import json
import statistics
import sys
import time

import gpt2
import torch

# Layers, heads, channels, sequences of a micro-batch, micro-batches; and blocks: channels, sequences, tokens.
MODELS = {"124M": (12, 12, 768, 32, 4), "350M": (24, 16, 1024, 16, 4), "1558M": (48, 25, 1600, 8, 4)}
BLOCKS = [(channels, 16384 // tokens, tokens) for channels in (2048, 4096) for tokens in (1024, 4096)]
TINY_MODELS, TINY_BLOCKS = {"tiny": (2, 2, 64, 2, 2)}, [(256, 2, 64)]
VOCABULARY, TOKENS = 50257, 1024


class Place:
    """Where it runs."""
    def __init__(self, device):
        self.device = device
        self.gpu = device == "cuda"
        self.name = torch.cuda.get_device_name() if self.gpu else "CPU"

    def wait(self):
        if self.gpu:
            torch.cuda.synchronize()

    def fresh(self):
        if self.gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def most_bytes(self):
        return torch.cuda.max_memory_reserved() if self.gpu else 0


def timed(place, run, warm, count):
    """The median of `count` calls in seconds, and how far apart the fastest and the slowest are, as a part of it."""
    for _ in range(warm):
        run()
    place.wait()
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        place.wait()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return {"seconds": median, "spread": (max(seconds) - min(seconds)) / median}


def say(place, **what):
    print("json " + json.dumps({"peer": f"PyTorch {torch.__version__}", "device": place.name, **what}), flush=True)


def block(place, channels, sequences, tokens, compiled):
    layer = gpt2.Block(channels, channels // 128).to(place.device, torch.bfloat16)
    run_layer = torch.compile(layer) if compiled else layer
    x = torch.randn(sequences, tokens, channels, device=place.device, dtype=torch.bfloat16, requires_grad=True)
    dy = torch.randn_like(x)
    took = timed(place, lambda: run_layer(x).backward(dy), 5, 20)
    say(place, suite="block", channels=channels, sequences=sequences, tokens=tokens, compiled=compiled, **took)


def model(place, name, numbers, compiled):
    layers, heads, channels, sequences, micro_batches = numbers
    net = gpt2.Stage(layers, heads, channels, VOCABULARY, TOKENS).to(place.device)
    run_net = torch.compile(net) if compiled else net
    optimiser = gpt2.optimiser(net.parameters())
    data = torch.randint(VOCABULARY, (micro_batches, sequences, TOKENS), device=place.device)

    def step():
        for each in data:
            with torch.autocast(place.device, torch.bfloat16):
                loss = run_net(each, each) / micro_batches
            loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    took = timed(place, step, 3, 10)
    say(place, suite="model", name=name, sequences=sequences, micro_batches=micro_batches, compiled=compiled,
        tokens_per_second=data.numel() / took["seconds"], bytes=place.most_bytes(), **took)


def refuse(message):
    print(f"pytorch_gpu.py: {message}", file=sys.stderr)
    sys.exit(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; none: all")
    parser.add_argument("--eager", action="store_true", help="not compiled")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="toys instead of the models, to try the script")
    given = parser.parse_args()
    known = TINY_MODELS if given.tiny else MODELS
    for name in given.models:
        if name not in known:
            refuse(f"unknown model {name} (known: {', '.join(known)}) name one of them")
    if given.device == "cpu" and not given.tiny:
        refuse("the models take hours on a CPU (that is no comparison) add --tiny to try the script")
    if given.device == "cuda" and not torch.cuda.is_available():
        refuse("PyTorch sees no GPU (torch.cuda.is_available() is false) try the script with --device cpu --tiny")
    place = Place(given.device)
    for sizes in TINY_BLOCKS if given.tiny else BLOCKS:
        block(place, *sizes, not given.eager)
    for name in given.models or known:
        place.fresh()
        model(place, name, known[name], not given.eager)


main()
