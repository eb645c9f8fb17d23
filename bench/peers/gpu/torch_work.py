# SPDX-License-Identifier: Apache-2.0
"""The work in PyTorch: measure() does a piece of it in a way and times it."""

import contextlib
import os

# Before PyTorch is imported. What this cache keeps is found again by a key in which attention's backend is not: code compiled for one
# backend would run, and be timed, for all of them. The compiler's other caches stay.
os.environ["TORCHINDUCTOR_AUTOGRAD_CACHE"] = "0"

import gpt2  # noqa: E402
import llama  # noqa: E402
import torch  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.nn.functional import scaled_dot_product_attention  # noqa: E402

from gpu import work  # noqa: E402
from gpu.ways import AUTOCAST, EACH  # noqa: E402

ATTENTIONS = {"cuDNN": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION,
              "math": SDPBackend.MATH}


class Measure:
    """`warm`, `count`: calls that are not counted, and that are."""

    def __init__(self, place, part):
        self.place, self.warm, self.count = place, work.WARM[part], work.COUNT[part]

    def __call__(self, what, way):
        torch._dynamo.reset()  # else sizes seen before become symbolic, and code of other ways fills its limit
        self.place.free()
        torch.manual_seed(1)
        with sdpa_kernel(ATTENTIONS[way.attention]):
            took = (self.model if what["suite"] == "model" else self.block)(what, way)
        if what["suite"] == "model":
            took["tokens_per_second"] = what["sequences"] * what["micro_batches"] * what["tokens"] / took["seconds"]
        return took

    def cast(self, way):
        return torch.autocast(self.place.device, torch.bfloat16) if way.precision == AUTOCAST else contextlib.nullcontext()

    def block(self, what, way):
        """Forward and backward, gradients written anew by each call, by the GPU's clock."""
        channels, heads, tokens = what["channels"], what["heads"], what["tokens"]
        if what["kind"] == "llama":
            layer = llama.Block(channels, what["hidden"], heads, tokens, self.place.device)
        else:
            layer = gpt2.Block(channels, heads)
        layer.to(self.place.device, torch.float32 if way.precision == AUTOCAST else torch.bfloat16)
        if way.mode != "eager":
            layer.compile(dynamic=False, mode=way.mode)
        x = torch.randn(what["sequences"], tokens, channels, device=self.place.device, dtype=torch.bfloat16, requires_grad=True)
        dy = torch.randn_like(x)
        wanted = [x, *layer.parameters()]

        def run():
            for each in wanted:
                each.grad = None
            with self.cast(way):
                y = layer(x)
            y.backward(dy.to(y.dtype))

        return self.place.timed(run, self.warm, self.count, self.place.call_by_events)

    def model(self, what, way):
        """A training step with clipping and AdamW, tokens brought to the GPU within it, by the host's clock."""
        rows = work.PADDED_VOCABULARY if what["vocabulary"] == work.VOCABULARY else what["vocabulary"]
        net = gpt2.Stage(what["layers"], what["heads"], what["channels"], rows, what["tokens"])
        net.to(self.place.device, torch.float32 if way.precision == AUTOCAST else torch.bfloat16)
        compile_model(net, way)
        optimiser = gpt2.optimiser(net.parameters())
        data = torch.randint(what["vocabulary"], (what["micro_batches"], what["sequences"], what["tokens"]))
        data = data.pin_memory() if self.place.gpu else data

        def run():
            for each in data.to(self.place.device, non_blocking=True):
                with self.cast(way):
                    loss = net(each, each) / what["micro_batches"]
                loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

        return self.place.timed(run, self.warm, self.count, self.place.call_by_host)

    def attention_alone(self, what, name):
        """Median seconds of attention's forward and backward at the shape of `what`, laid out as a block has it."""
        packed = torch.randn(what["sequences"], what["tokens"], 3, what["heads"], what["channels"] // what["heads"],
                             device=self.place.device, dtype=torch.bfloat16, requires_grad=True)
        dy = torch.randn_like(packed[:, :, 0])

        def run():
            packed.grad = None
            q, k, v = (part.transpose(1, 2) for part in packed.unbind(2))
            scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).backward(dy)

        with sdpa_kernel(ATTENTIONS[name]):
            return self.place.timed(run, 3, 10, self.place.call_by_events)["seconds"]


def compile_model(net, way):
    if way.mode == "eager":
        return
    if way.scope != EACH:
        net.compile(dynamic=False, mode=way.mode)
        return
    for block in net.blocks:
        block.compile(dynamic=False, mode=way.mode)
    net.start = torch.compile(net.start, dynamic=False, mode=way.mode)
    net.finish = torch.compile(net.finish, dynamic=False, mode=way.mode)
