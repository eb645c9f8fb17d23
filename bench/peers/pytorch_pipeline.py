#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pipeline training of GPT-2 in fp32 by PyTorch's own pipelining: two processes with one thread each, joined by Gloo, a stage or two each.
Answers each line on standard input with the wall and processor seconds (of both processes) of a step; see turns.py.

    pytorch_pipeline.py [--schedule 1F1B|GPipe|Interleaved1F1B|InterleavedZeroBubble|ZBVZeroBubble] [--blocks 9,3]
                        [--micro-batches N] [--layers L] [--heads H] [--channels C] [--vocabulary V] [--context X] [--sequences B]
                        [--tokens T]
"""

import argparse
import json
import os
import resource
import socket
import sys
import time

import gpt2
import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch.distributed.pipelining import PipelineStage, schedules

RANKS = 2


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schedule", default="1F1B")
    parser.add_argument("--blocks", default="9,3", help="of each stage")
    for name, default in {"micro-batches": 4, "layers": 12, "heads": 12, "channels": 768, "vocabulary": 50257, "context": 1024,
                          "sequences": 4, "tokens": 64}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def clip(parameters):
    """clip_grad_norm_ over the parameters of all ranks."""
    norms = torch._foreach_norm([p.grad for p in parameters])
    square = torch.stack(norms).square().sum()
    dist.all_reduce(square)
    torch.nn.utils.clip_grads_with_norm_(parameters, 1.0, square.sqrt())


def play(rank, options):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", rank=rank, world_size=RANKS, init_method=f"tcp://127.0.0.1:{options.port}")
    blocks = [int(b) for b in options.blocks.split(",")]
    kind = schedules.get_schedule_class(options.schedule)
    folded = options.schedule == "ZBVZeroBubble"
    mine = [s for s in range(len(blocks)) if (min(s, len(blocks) - 1 - s) if folded else s % RANKS) == rank]
    nets = [gpt2.Stage(blocks[s], options.heads, options.channels, options.vocabulary, options.context, s == 0,
                       s == len(blocks) - 1) for s in mine]
    stages = [PipelineStage(net, s, len(blocks), torch.device("cpu")) for net, s in zip(nets, mine)]
    single = issubclass(kind, schedules.PipelineScheduleSingle)
    schedule = kind(stages[0] if single else stages, options.micro_batches, loss_fn=gpt2.loss)
    parameters = [p for net in nets for p in net.parameters()]
    optimiser = gpt2.optimiser(parameters)
    inputs, targets = torch.randint(options.vocabulary, (2, options.sequences, options.tokens))
    counts = torch.tensor([sum(p.numel() for p in parameters)])
    dist.all_reduce(counts)
    losses = [torch.zeros(())]
    while True:
        more = torch.tensor([1 if rank == 0 and sys.stdin.readline() else 0])
        dist.broadcast(more, 0)
        if not more:
            break
        start, used = time.perf_counter(), time.process_time()
        given = [inputs] if 0 in mine else []
        losses = []
        if len(blocks) - 1 in mine:
            schedule.step(*given, target=targets, losses=losses)
        else:
            schedule.step(*given)
        clip(parameters)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        dist.barrier()
        both = torch.tensor([time.process_time() - used], dtype=torch.float64)
        seconds = time.perf_counter() - start
        dist.all_reduce(both)
        if rank == 0:
            print(f"{seconds:.6f} {both.item():.6f}", flush=True)
    loss = torch.tensor([sum(each.item() for each in losses) / max(1, len(losses)) if len(blocks) - 1 in mine else 0.0])
    peak = torch.tensor([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])
    dist.all_reduce(loss)
    dist.all_reduce(peak)
    if rank == 0:
        print(json.dumps({"name": f"PyTorch {torch.__version__}, {options.schedule}, {RANKS} processes of 1 thread, Gloo",
                          "parameters": int(counts), "tokens": inputs.numel(), "loss": loss.item(), "peak_kilobytes": int(peak)}))
    dist.destroy_process_group()


def main():
    options = read_options()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options.port = free.getsockname()[1]
    other = processes.get_context("spawn").Process(target=play, args=(1, options), daemon=True)
    other.start()
    play(0, options)
    other.join()


if __name__ == "__main__":
    main()
