# SPDX-License-Identifier: Apache-2.0
"""GPT-2 as chimera trains it (pre-norm blocks, tanh GELU, untied head), in PyTorch: what the scripts here measure."""

import torch
from torch import nn
from torch.nn import functional as F


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


class Stage(nn.Module):
    """Some of the blocks, with the embedding before the first and norm and head after the last where it holds them. With targets it
    returns the loss, so that it can be compiled as a whole."""

    def __init__(self, blocks, heads, channels, vocabulary, context, first=True, last=True):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, channels) if first else None
        self.positions = nn.Embedding(context, channels) if first else None
        self.blocks = nn.ModuleList(Block(channels, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels) if last else None
        self.head = nn.Linear(channels, vocabulary, bias=False) if last else None

    def start(self, x):
        return self.tokens(x) + self.positions(torch.arange(x.shape[1], device=x.device))

    def finish(self, x, targets=None):
        logits = self.head(self.norm(x))
        return logits if targets is None else loss(logits, targets)

    def forward(self, x, targets=None):
        if self.tokens is not None:
            x = self.start(x)
        for block in self.blocks:
            x = block(x)
        return x if self.head is None else self.finish(x, targets)


def loss(logits, targets):
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def optimiser(parameters):
    """AdamW with chimera's settings, in one kernel."""
    return torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
