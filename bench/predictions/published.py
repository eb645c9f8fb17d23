#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prices published configurations as given, and prints them beside what was measured. Nothing is fitted to these rows.

    published.py PROGRAM [--commands]

PROGRAM is chimera. --commands prints the source, the command and the parts of each row, too. Rates are tokens per second
and device. A device that differs from the one of its name has its own numbers in `DEVICES`, with their source.
"""
import argparse
import dataclasses
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PAPER = "arXiv 2205.05198, table 5"
BRIDGE = "Megatron-Bridge performance summary, 26.04.01, and its recipe of that name"
TITAN = "torchtitan benchmarks/llama3_h100_202412_torchtitan.md"
ASYNC = "torchtitan benchmarks/asyncTP_llama3_h100_2025-06_torchtitan.md, vanilla TP"

GPT = ["--model", "gpt3-175b", "--vocabulary-multiple", "1024", "--samples", "64", "--nodes", "8", "--hardware", "DGX-A100",
       "--family", "interleaved", "--stages", "24", "--chunks", "3", "--tensor", "8", "--zero", "0"]
LLAMA_70B = ["--model", HERE / "llama_3_70b.json", "--fp8", "--samples", "256", "--nodes", "8", "--hardware", "DGX-H100",
             "--family", "interleaved", "--chunks", "5", "--layout", "Et*2|(t*2|)*34,t*3|(t*2|)*3,tL", "--tensor", "4",
             "--sequence-parallel", "--zero", "1", "--recompute", "none"]
SHARDED_70B = ["--model", HERE / "llama_3_70b.json", "--samples", "512", "--nodes", "32", "--family", "data_parallel", "--tensor", "8",
               "--sequence-parallel", "--micro-batch", "16", "--zero", "3", "--recompute", "layers"]
LLAMA_405B = ["--model", HERE / "llama_3_405b.json", "--fp8", "--samples", "256", "--nodes", "64", "--tensor", "8",
              "--sequence-parallel", "--micro-batch", "4", "--zero", "1", "--recompute", "layers"]
ONE = ["--family", "one_f_one_b", "--layout", "Et*15|(t*16|)*6,t*15,L"]
LOOPED = ["--family", "interleaved", "--chunks", "2", "--layout", "Et*7|(t*8|)*14,t*7,L"]

# The devices of torchtitan's rows. Its page says 96 GB of HBM2e at 2.4 TB/s (95 GiB, by the share that its logs print), and
# a limit of 500 W, where H100 has 700. It does not say what products sustain under that limit. torchao's roofline_utils.py
# states it for this device, from a few measurements: 0.6 of the peaks until March 2025, 0.78 since. "700 W" has the
# products of the catalogue's H100.
HBM2E = {"memory": 95.0 * 2**30, "memory_bandwidth": 0.59 * 2.4e12, "update_bandwidth": 0.56 * 2.4e12}
DEVICES = {"700 W": HBM2E, "500 W": {**HBM2E, "flops": 0.6 * 989e12, "fp8_flops": 0.6 * 1979e12}}


@dataclasses.dataclass
class Row:
    """A configuration and its published tokens per second and device."""
    name: str
    published: float
    source: str
    options: list
    device: str = ""


def rate(seconds, samples, tokens, devices):
    return samples * tokens / devices / seconds


ROWS = [
    Row("GPT-3 175B, 64 A100, recompute", rate(18.13, 64, 2048, 64), PAPER, [*GPT, "--recompute", "layers"]),
    Row("GPT-3 175B, 64 A100, selective", rate(13.75, 64, 2048, 64), PAPER, [*GPT, "--recompute", "selective", "--sequence-parallel"]),
    Row("LLaMA-3 70B, 64 H100, fp8", 1664, BRIDGE, LLAMA_70B),
] + [
    Row(f"{name}, {device}", published, source, options, device)
    for device in DEVICES
    for name, published, source, options in (
        ("LLaMA-3 405B, 512 H100, fp8, 1F1B", 100, f"{TITAN}, table 5", [*LLAMA_405B, *ONE]),
        ("LLaMA-3 405B, 512 H100, fp8, interleaved", 128, f"{TITAN}, table 5", [*LLAMA_405B, *LOOPED]),
        ("LLaMA-3 70B, 256 H100, fp8, no pipeline", 829, f"{TITAN}, table 4", [*SHARDED_70B, "--fp8"]),
        ("LLaMA-3 70B, 256 H100, bf16, no pipeline", 597.3, ASYNC, SHARDED_70B))
]


def output(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return done.stdout


def hardware_file(program, device, folder):
    """DGX-H100 with the numbers of another device, as a file."""
    numbers = json.loads(output([program, "hardware", "DGX-H100", "--format", "json"]))
    path = folder / (device.replace(" ", "_") + ".json")
    path.write_text(json.dumps({**numbers, **DEVICES[device]}), encoding="utf-8")
    return path


def price(program, row, folder):
    """Our tokens per second and device, and the answer; the command, too."""
    device = ["--hardware", hardware_file(program, row.device, folder)] if row.device else []
    command = [program, "plan", *row.options, *device, "--format", "json"]
    answer = json.loads(output(command))
    with_ = answer["configuration"]
    devices = with_["width"] * with_["tensor"] * with_["stages"] // with_.get("chunks", 1)
    return answer["tokens_per_second"] / devices, answer, command


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--commands", action="store_true")
    with_ = parser.parse_args()
    print(f"{'tokens/s of a device':<48} {'published':>9} {'ours':>9} {'error':>7} {'GiB':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            ours, answer, command = price(with_.program, row, pathlib.Path(folder))
            memory = answer["memory_bytes"]["all"] / 2**30
            print(f"{row.name:<48} {row.published:>9.1f} {ours:>9.1f} {100 * (ours / row.published - 1):>+6.1f}% {memory:>7.1f}")
            if with_.commands:
                print("    " + row.source + "\n    " + shlex.join(str(word) for word in command))
                for part, seconds in answer["parts_seconds"].items():
                    print(f"    {seconds:9.3f}  {part}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
