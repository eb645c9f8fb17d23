#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One training step of GPT-2 in PyTorch on this machine's cores, in fp32 or by its autocast to bf16: full gradient, clipping by the
global norm, AdamW. Answers each line on standard input with the wall and processor seconds of a step, as bench/train_step.cpp does; see turns.py.

    pytorch_cpu.py [--compiled] [--bf16] [--threads N] [--layers L] [--heads H] [--channels C] [--vocabulary V] [--context X] [--sequences B]
                   [--tokens T]
"""

import argparse
import json
import resource
import sys
import time

import gpt2
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--compiled", action="store_true")
parser.add_argument("--bf16", action="store_true")
for name, default in {"threads": 2, "layers": 12, "heads": 12, "channels": 768, "vocabulary": 50257, "context": 1024,
                      "sequences": 4, "tokens": 64}.items():
    parser.add_argument(f"--{name}", type=int, default=default)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
net = gpt2.Stage(options.layers, options.heads, options.channels, options.vocabulary, options.context)
run_net = torch.compile(net) if options.compiled else net
optimiser = gpt2.optimiser(net.parameters())
inputs, targets = torch.randint(options.vocabulary, (2, options.sequences, options.tokens))

last = 0.0
for _ in sys.stdin:
    start, used = time.perf_counter(), time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
        loss = run_net(inputs, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    last = loss.item()
    print(f"{time.perf_counter() - start:.6f} {time.process_time() - used:.6f}", flush=True)

print(json.dumps({
    "name": f"PyTorch {torch.__version__}, {'compiled' if options.compiled else 'eager'}, "
            f"{'bf16 by autocast' if options.bf16 else 'fp32'}, {options.threads} threads",
    "parameters": sum(p.numel() for p in net.parameters()), "tokens": inputs.numel(), "loss": last,
    "peak_kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
