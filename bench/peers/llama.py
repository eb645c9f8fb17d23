# SPDX-License-Identifier: Apache-2.0
"""A block as LLaMA has it, in PyTorch: norm by root mean square, rotary positions, gated MLP (SwiGLU), no biases, as many heads of
keys and values as of queries."""

import torch
from torch import nn
from torch.nn import functional as F


def rotation(tokens, size, device, base=10000.0):
    """Cosines and sines of a head's angles in fp32, both tokens × size/2: position · base^(-2 i / size) (RoFormer, Su et al. 2021)."""
    speeds = base ** (-torch.arange(0, size, 2, device=device, dtype=torch.float32) / size)
    angles = torch.outer(torch.arange(tokens, device=device, dtype=torch.float32), speeds)
    return angles.cos(), angles.sin()


def rotated(x, cosine, sine):
    """Turns element i of a head together with element i + size/2; computed in fp32, kept in x's type."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1).to(x.dtype)


class Block(nn.Module):
    def __init__(self, channels, hidden, heads, tokens, device=None):
        super().__init__()
        self.heads = heads
        self.turn = rotation(tokens, channels // heads, device)  # no buffer: it stays fp32 when weights do not
        self.norm_1, self.norm_2 = nn.RMSNorm(channels, eps=1e-5), nn.RMSNorm(channels, eps=1e-5)
        self.attend, self.project = nn.Linear(channels, 3 * channels, bias=False), nn.Linear(channels, channels, bias=False)
        self.widen, self.narrow = nn.Linear(channels, 2 * hidden, bias=False), nn.Linear(hidden, channels, bias=False)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.attend(self.norm_1(x)).split(c, 2))
        y = F.scaled_dot_product_attention(rotated(q, *self.turn), rotated(k, *self.turn), v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(b, t, c))
        gate, up = self.widen(self.norm_2(x)).chunk(2, -1)
        return x + self.narrow(F.silu(gate) * up)
