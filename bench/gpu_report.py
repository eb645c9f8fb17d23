#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins the `json ` lines of bench_gpu and of a peer, both files given, into a table of ratios (above 1: chimera is faster)."""

import json
import sys


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line[5:]) for line in file if line.startswith("json ")]


def key(entry):
    if entry["suite"] == "block":
        return f"block, {entry['channels']} channels, {entry['sequences']} × {entry['tokens']} tokens"
    return f"GPT-2 {entry['name']}, {entry['micro_batches']} × {entry['sequences']} sequences"


def main():
    ours, peers = (lines_of(path) for path in sys.argv[1:3])
    found = {key(entry): entry for entry in ours}
    print("| what | chimera | peer | ratio | memory GiB | peer's |\n|---|---:|---:|---:|---:|---:|")
    for peer in peers:
        name = key(peer)
        if name not in found:
            continue
        mine = found[name]
        if peer["suite"] == "block":
            print(f"| {name} | {1e3 * mine['seconds']:.2f} ms | {1e3 * peer['seconds']:.2f} ms "
                  f"| {peer['seconds'] / mine['seconds']:.2f} | | |")
        else:
            print(f"| {name} | {mine['tokens_per_second']:,.0f} tokens/s | {peer['tokens_per_second']:,.0f} tokens/s "
                  f"| {mine['tokens_per_second'] / peer['tokens_per_second']:.2f} "
                  f"| {mine['bytes'] / 2**30:.1f} | {peer['bytes'] / 2**30:.1f} |")
    if peers:
        print(f"\nPeer: {peers[0]['peer']}, {'compiled' if peers[0]['compiled'] else 'eager'}.")


main()
