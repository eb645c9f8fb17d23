#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layout strings on the command line. Usage: layout.py PROGRAM

Random strings mean what an expansion of its own says, and what Megatron-LM's parser says if MEGATRON_LM names its source. Random
text that Megatron-LM refuses is refused, in one line.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from failures import fail, finish
from trainer_sources import megatron_layouts

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
draw = random.Random(5)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120)


def model(blocks):
    """A file of a model of an embedding of two layers, blocks and a head."""
    common = {"parameters": 10, "forward": 1.0, "backward": 2.0, "activations": 8, "output": 4}
    layers = [{"name": "words", "kind": "embedding", **common}, {"name": "norm", "kind": "other", **common},
              {"name": "block", "count": blocks, **common}, {"name": "head", "kind": "head", **common}]
    path = pathlib.Path(f"model{blocks}.json")
    path.write_text(json.dumps({"format": "chimera.model", "version": 1, "name": "drawn", "layers": layers}), encoding="utf-8")
    return str(path)


def expand(text):
    """Counts of E, t, m and L of each stage, by reading from left to right."""
    text = text.replace(",", "")
    out, at = "", 0
    while at < len(text):
        end = text.index(")", at) + 1 if text[at] == "(" else at + 1
        piece = expand(text[at + 1:end - 1]) if text[at] == "(" else text[at]
        if end < len(text) and text[end] == "*":
            stop = end + 1
            while stop < len(text) and text[stop].isdigit():
                stop += 1
            piece, end = piece * int(text[end + 1:stop]), stop
        out, at = out + piece, end
    return out


def stages_of(text):
    return [[stage.count(letter) for letter in "EtmL"] for stage in expand(text).split("|")]


def cuts_of(stages):
    cuts = [0]
    for embedding, transformer, prediction, loss in stages:
        cuts.append(cuts[-1] + 2 * embedding + transformer + prediction + loss)
    return cuts


def written(counts):
    """A layout of stages, with repeats and commas as they come."""
    parts = []
    for letters in counts:
        text = ""
        for letter, count in zip("EtmL", letters):
            if count > 1 and draw.random() < 0.5:
                text += f"{letter}*{count}" if draw.random() < 0.6 else f"({letter})*{count}"
            else:
                text += letter * count
        parts.append(text)
    out, at = "", 0
    while at < len(parts):
        more = at + 1
        while more < len(parts) - 1 and parts[more] == parts[at]:
            more += 1
        last = at == len(parts) - 1
        if more - at > 1 and "(" not in parts[at] and draw.random() < 0.8:
            out += f"({parts[at]}|)*{more - at}"
            at = more
        else:
            out += parts[at] + ("" if last else "|")
            at += 1
    return "".join(c + ("," if draw.random() < 0.1 else "") for c in out)


def drawn():
    stages = draw.randint(1, 12)
    same = draw.randint(1, 6)
    counts = [[0, same if draw.random() < 0.6 else draw.randint(1, 9), 0, 0] for _ in range(stages)]
    counts[0][0] = counts[-1][3] = 1
    if draw.random() < 0.3:
        counts[-1][2] = draw.randint(1, 3)
    return counts


def both_ways(layouts):
    for _ in range(30):
        counts = drawn()
        text, blocks = written(counts), sum(c[1] + c[2] for c in counts)
        assert stages_of(text) == counts, text
        got = run("partition", "--model", model(blocks), "--layout", text, "--format", "json")
        if got.returncode or json.loads(got.stdout)["cuts"] != cuts_of(counts):
            fail(f"{text}: {got.stdout[:200]}{got.stderr}")
        back = run("partition", "--model", model(blocks), "--layout", text, "--format", "layout").stdout.strip()
        if [[c[0], c[1] + c[2], 0, c[3]] for c in counts] != stages_of(back):
            fail(f"{text} came back as {back}")
        if layouts:
            letters = {"embedding": 0, "decoder": 1, "mtp": 2, "loss": 3}
            theirs = [[[x.name for x in stage].count(name) for name in letters] for stage in layouts.parse_str_to_list(text)]
            if theirs != counts:
                fail(f"{text}: Megatron-LM reads {theirs}")
            layouts(back, len(counts)).validate_layer_layout(blocks, None)


def refused_alike(layouts):
    """Text over the alphabet: what we take, Megatron-LM takes and reads alike. Returns how many only it takes."""
    taken = only_theirs = 0
    for _ in range(80):
        middle = "".join(draw.choice("ttt|*(),123m ") for _ in range(draw.randint(0, 6)))
        text = "Et" + middle + "|tL"
        try:
            theirs = [[x.name for x in stage] for stage in layouts.parse_str_to_list(text)] if layouts else None
        except AssertionError:
            theirs = []
        got = run("schedule", "one_f_one_b", "--layout", text, "--micro-batches", "2", "--format", "csv")
        if got.returncode not in (0, 2) or got.stderr.count("\n") != (got.returncode == 2):
            fail(f"{text}: exit {got.returncode}, {got.stderr}")
        if got.returncode == 0:
            taken += 1
            if theirs is not None and len(theirs) != len(got.stdout.splitlines()):
                fail(f"{text}: {len(got.stdout.splitlines())} stages, Megatron-LM reads {theirs}")
        else:
            only_theirs += bool(theirs)
    if not 4 < taken < 76:
        fail(f"{taken} of 80 texts were taken")
    return only_theirs


def agree():
    refusals = {("partition", "--model", "llama-2-7b", "--layout", "Et|tL"): "the model has 32",
                ("partition", "--model", "llama-2-7b", "--layout", "Et*31|tL", "--stages", "3"): "the layout has 2",
                ("partition", "--model", "llama-2-7b", "--layout", "Et*31|tL", "--cut", "blocks"): "--cut does not apply",
                ("partition", "--model", "llama-2-7b", "--layout", "Et*15|t*15|t|tL", "--family", "zb_v"): "a layout does not apply to zb_v",
                ("partition", "--model", "llama-2-7b", "--layout", "Et*31|tL", "--family", "bidirectional"): "does not apply",
                ("partition", "--model", "t5-small", "--layout", "Et*11|tL"): "between its blocks is none",
                ("partition", "--model", "resnet-20", "--layout", "Et*11|tL"): "has no layout string",
                ("partition", "--model", "llama-2-7b", "--stages", "4", "--family", "zb_v", "--format", "layout"): "does not apply",
                ("partition", "--model", "llama-2-7b", "--layout", "Et*16|t*8|t*8L", "--family", "interleaved"): "multiple",
                ("schedule", "interleaved", "--layout", "Et|tL", "--stages", "4", "--micro-batches", "2"): "the layout has 2",
                ("schedule", "one_f_one_b", "--layout", "E" + "(" * 100000, "--micro-batches", "2"): "group within a group",
                ("schedule", "one_f_one_b", "--layout", "Et*999999999999999999999|L", "--micro-batches", "2"): "letters",
                ("schedule", "interleaved", "--layout", "Et|m|t|L", "--micro-batches", "2"): "behind an m",
                ("schedule", "interleaved", "--layout", "Et|m|LL", "--micro-batches", "2"): "stands behind the loss",
                ("schedule", "interleaved", "--layout", "Et|t|m|mL", "--micro-batches", "2"): "m in two stages",
                ("schedule", "dualpipe_v", "--layout", "Et|t|t|tL", "--micro-batches", "4"): "does not apply"}
    for arguments, part in refusals.items():
        got = run(*arguments)
        if got.returncode != 2 or got.stdout or got.stderr.count("\n") != 1 or part not in got.stderr or len(got.stderr) > 400:
            fail(f"{' '.join(arguments)[:120]}: exit {got.returncode}, {got.stderr[:400]}")
    for stated in ((), ("--stages", "4"), ("--chunks", "2"), ("--stages", "4", "--chunks", "2")):
        got = run("schedule", "interleaved", "--layout", "Et|t|tt|tL", *stated, "--micro-batches", "4", "--format", "json")
        if got.returncode or json.loads(got.stdout)["stages"] != 4 or json.loads(got.stdout)["workers"] != 2:
            fail(f"schedule with a layout and {stated}: {got.stderr}")


def main():
    layouts = megatron_layouts()
    print("beside Megatron-LM's parser" if layouts else "without MEGATRON_LM")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        both_ways(layouts)
        only_theirs = refused_alike(layouts)
        agree()
        os.chdir("/")
    if layouts:
        print(f"{only_theirs} of 80 texts are taken by Megatron-LM alone")
    finish()


main()
