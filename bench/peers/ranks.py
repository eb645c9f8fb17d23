#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`chimera train` as two processes that play a worker each, on random characters, for turns.py: runs while it is asked for steps, else both are
stopped. Answers with the wall and processor seconds of the step that ended last.

    ranks.py CHIMERA [--family F] [--stages D] [--micro-batches N] [--blocks 9,3] [--layers L] ... (see bench/train_step.cpp)
"""

import argparse
import json
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

RANKS, TICK = 2, os.sysconf("SC_CLK_TCK")


def job_of(options, folder):
    text = folder / "data.txt"
    text.write_bytes(bytes(random.Random(1).choices(range(32, 127), k=1 << 20)))
    units = options.micro_batches
    return {
        "format": "chimera.job", "version": 1, "data": [str(text)], "output": str(folder / "run"), "watchdog": 3600,
        "model": {"layers": options.layers, "heads": options.heads, "channels": options.channels, "context": options.context,
                  "vocabulary": options.vocabulary},
        "schedule": {"family": options.family, "stages": options.stages, "micro_batches": units, "blocks": options.blocks},
        "batch": {"sequences": options.sequences // units, "tokens": options.tokens},
        "optimiser": {"learning_rate": 1e-4, "steps": 1000000, "weight_decay": 0.1, "clip": 1}, "device": "cpu"}


def start(chimera, job, port):
    """The processes, each in a group of its own."""
    def one(rank):
        place = {"RANK": str(rank), "WORLD_SIZE": str(RANKS), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1",
                 "MASTER_PORT": str(port)}
        return subprocess.Popen([chimera, "train", job, "--quiet"], env=os.environ | place, stdout=subprocess.DEVNULL)
    return [one(rank) for rank in range(RANKS)]


def status(process, word):
    """A number of kilobytes from /proc."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(word):
            return int(line.split()[1])


def processor_seconds(all_of_them):
    fields = [pathlib.Path(f"/proc/{p.pid}/stat").read_text().rpartition(")")[2].split() for p in all_of_them]
    return sum(int(f[11]) + int(f[12]) for f in fields) / TICK


def next_step(log, all_of_them):
    """Wall and processor seconds between the two next ends of steps."""
    ends = []
    while len(ends) < 2:
        line = log.readline()
        if line.endswith("\n"):
            ends.append((time.perf_counter(), processor_seconds(all_of_them), json.loads(line)))
        elif line:
            log.seek(log.tell() - len(line))
        for p in all_of_them:
            if p.poll() is not None:
                sys.exit(f"ranks.py: chimera train ended with status {p.returncode}")
        time.sleep(0.0005)
    (before, used, _), (after, all_used, record) = ends
    return after - before, all_used - used, record["loss"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chimera")
    parser.add_argument("--family", default="one_f_one_b")
    parser.add_argument("--blocks", default="9,3")
    for name, default in {"stages": 2, "micro-batches": 4, "layers": 12, "heads": 12, "channels": 768, "vocabulary": 50257,
                          "context": 1024, "sequences": 4, "tokens": 64}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = pathlib.Path(name)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        (folder / "job.json").write_text(json.dumps(job_of(options, folder)))
        both = start(options.chimera, folder / "job.json", port)
        try:
            while not (folder / "run/log.jsonl").exists():
                time.sleep(0.05)
                if any(p.poll() for p in both):
                    sys.exit("ranks.py: chimera train did not start")
            loss = 0.0
            with open(folder / "run/log.jsonl", encoding="utf-8") as log:
                while sys.stdin.readline():
                    for p in both:
                        p.send_signal(signal.SIGCONT)
                    log.seek(0, os.SEEK_END)
                    wall, used, loss = next_step(log, both)
                    print(f"{wall:.6f} {used:.6f}", flush=True)
                    if not select.select([sys.stdin], [], [], 0.1)[0]:
                        for p in both:
                            p.send_signal(signal.SIGSTOP)
            peak = sum(status(p, "VmHWM") for p in both)
        finally:
            for p in both:
                p.kill()
                p.wait()
    print(json.dumps({"name": f"chimera train, {options.family}, {RANKS} processes of 1 thread, TCP", "parameters": 0,
                      "tokens": options.sequences * options.tokens, "loss": loss, "peak_kilobytes": peak}))


main()
