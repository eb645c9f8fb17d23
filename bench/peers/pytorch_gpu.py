#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same GPT-2 blocks and training steps in PyTorch on the GPU: bf16 weights and activations under autocast, fused attention,
compiled, fused AdamW, random data. Prints lines that begin with `json `. Usage: pytorch_gpu.py [--eager] [NAME ...]"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

MODELS = {"124M": (12, 12, 768, 32, 4), "350M": (24, 16, 1024, 16, 4), "1558M": (48, 25, 1600, 8, 4)}
VOCABULARY, TOKENS = 50257, 1024


class Block(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attend, self.project = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.widen, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.attend(self.norm_1(x)).split(c, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(b, t, c))
        return x + self.narrow(F.gelu(self.widen(self.norm_2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, layers, heads, channels):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, channels), nn.Embedding(TOKENS, channels)
        self.blocks = nn.ModuleList(Block(channels, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(channels), nn.Linear(channels, VOCABULARY, bias=False)

    def forward(self, inputs, targets):
        x = self.tokens(inputs) + self.positions(torch.arange(inputs.shape[1], device=inputs.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.view(-1, VOCABULARY), targets.reshape(-1))


def timed(run, warm, count):
    for _ in range(warm):
        run()
    torch.cuda.synchronize()
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def say(**what):
    print("json " + json.dumps({"peer": f"PyTorch {torch.__version__}", **what}), flush=True)


def block(channels, sequences, tokens, compiled):
    layer = Block(channels, channels // 128).cuda().to(torch.bfloat16)
    run_layer = torch.compile(layer) if compiled else layer
    x = torch.randn(sequences, tokens, channels, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    dy = torch.randn_like(x)
    seconds = timed(lambda: run_layer(x).backward(dy), 5, 20)
    say(suite="block", channels=channels, sequences=sequences, tokens=tokens, compiled=compiled, seconds=seconds)


def model(name, compiled):
    layers, heads, channels, sequences, micro_batches = MODELS[name]
    net = Model(layers, heads, channels).cuda()
    run_net = torch.compile(net) if compiled else net
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    data = torch.randint(VOCABULARY, (micro_batches, sequences, TOKENS), device="cuda")

    def step():
        for each in data:
            with torch.autocast("cuda", torch.bfloat16):
                loss = run_net(each, each) / micro_batches
            loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    torch.cuda.reset_peak_memory_stats()
    seconds = timed(step, 3, 10)
    say(suite="model", name=name, sequences=sequences, micro_batches=micro_batches, compiled=compiled,
        tokens_per_second=data.numel() / seconds, bytes=torch.cuda.max_memory_reserved())


def main():
    if not torch.cuda.is_available():
        sys.exit("pytorch_gpu.py: PyTorch sees no GPU")
    compiled = "--eager" not in sys.argv
    names = [a for a in sys.argv[1:] if not a.startswith("-")] or list(MODELS)
    for channels in (2048, 4096):
        for tokens in (1024, 4096):
            block(channels, 16384 // tokens, tokens, compiled)
    for name in names:
        model(name, compiled)
        torch.cuda.empty_cache()


main()
