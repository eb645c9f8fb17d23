#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins the `json ` lines of bench_gpu and of a peer, both files given, into a table of ratios (above 1: chimera is faster). What only
one of them has measured is named below the table."""

import json
import sys


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line[5:]) for line in file if line.startswith("json ")]


def key(entry):
    if entry["suite"] == "block":
        return f"block, {entry['channels']} channels, {entry['sequences']} × {entry['tokens']} tokens"
    return f"GPT-2 {entry['name']}, {entry['micro_batches']} × {entry['sequences']} sequences"


def row(name, mine, peer):
    spreads = f"{100 * mine['spread']:.1f} %, {100 * peer['spread']:.1f} %"
    if peer["suite"] == "block":
        return (f"| {name} | {1e3 * mine['seconds']:.2f} ms | {1e3 * peer['seconds']:.2f} ms "
                f"| {peer['seconds'] / mine['seconds']:.2f} | {spreads} | | |")
    return (f"| {name} | {mine['tokens_per_second']:,.0f} tokens/s | {peer['tokens_per_second']:,.0f} tokens/s "
            f"| {mine['tokens_per_second'] / peer['tokens_per_second']:.2f} | {spreads} "
            f"| {mine['bytes'] / 2**30:.1f} | {peer['bytes'] / 2**30:.1f} |")


def main():
    if len(sys.argv) != 3:
        sys.exit("gpu_report.py: two files are joined (bench_gpu's lines and a peer's) give both")
    ours, peers = ({key(entry): entry for entry in lines_of(path)} for path in sys.argv[1:3])
    print("| what | chimera | peer | ratio | spreads | memory GiB | peer's |\n|---|---:|---:|---:|---:|---:|---:|")
    for name, peer in peers.items():
        if name in ours:
            print(row(name, ours[name], peer))
    for who, names, others in (("chimera", ours, peers), ("the peer", peers, ours)):
        if missing := [name for name in names if name not in others]:
            print(f"\nMeasured by {who} alone: {'; '.join(missing)}.")
    for what in {f"{p['peer']}, {'compiled' if p['compiled'] else 'eager'}, on {p['device']}" for p in peers.values()}:
        print(f"\nPeer: {what}. Spread: slowest less fastest, of the median.")


main()
