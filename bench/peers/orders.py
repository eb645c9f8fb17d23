#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seconds that PyTorch's pipelining takes for the orders that bench/orders.cpp makes, and the ratio: its schedule classes make the
actions of all ranks with sends and receives, its simulator steps through them in unit times. Prints a table in Markdown.

    orders.py PATH_OF_BENCH_ORDERS
"""

import json
import statistics
import subprocess
import sys
import time
from unittest import mock

import torch
from torch.distributed.pipelining import schedules
from torch.distributed.pipelining.stage import PipelineStage

CLASSES = {
    "gpipe": "GPipe", "one_f_one_b": "1F1B", "interleaved": "Interleaved1F1B", "breadth_first": "LoopedBFS",
    "zb_v": "ZBVZeroBubble", "dualpipe_v": "DualPipeV",
}


def median(work):
    samples = []
    while not samples or (sum(samples) < 1 and len(samples) < 100):
        start = time.perf_counter()
        result = work()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples), result


def stages_of(kind, ranks):
    """What a schedule asks of its stages, without a model."""
    stage = mock.create_autospec(PipelineStage, instance=True)
    stage.group_rank, stage.group_size, stage.submod = 0, ranks, None
    single = issubclass(kind, schedules.PipelineScheduleSingle)
    stage.num_stages = ranks if single else 2 * ranks
    return stage if single else [stage, stage]


def without(order, *words):
    """The actions of each rank, less those whose kind has one of the words in its name."""
    return {rank: [a for a in row if a is None or not any(w in a.computation_type.name for w in words)]
            for rank, row in order.items()}


def measure(family, ranks, micro_batches):
    """Seconds to make the order with its communication, and to simulate it; None where PyTorch does not get that far."""
    kind = schedules.get_schedule_class(CLASSES[family])
    stages = stages_of(kind, ranks)
    making, made = median(lambda: kind(stages, micro_batches))
    order = made.pipeline_order_with_comms if issubclass(kind, schedules._PipelineScheduleRuntime) else None
    held = getattr(made, "stage_index_to_group_rank", {rank: rank for rank in range(ranks)})

    def add_communication():
        runtime = schedules._PipelineScheduleRuntime([stages], micro_batches)
        runtime._prepare_schedule_with_comms(without(made.pipeline_order, "REDUCE"))
        return runtime.pipeline_order_with_comms

    try:
        if order is None:
            adding, order = median(add_communication)
            making += adding
        known = without(order, "REDUCE", "SHARD", "WAIT")  # the simulator refuses the others
        simulating, _ = median(lambda: schedules._simulate_comms_compute(known, held.__getitem__, len(held)))
        return making, simulating
    except (AssertionError, KeyError, ValueError) as refusal:
        what = str(refusal).splitlines()[0]
        print(f"orders.py: {family}, {ranks} x {micro_batches}: {type(refusal).__name__}: {what}", file=sys.stderr)
        return None if order is None else making, None


def cell(theirs, ours):
    return "refused" if theirs is None else f"{1e3 * theirs:.3g} / {1e3 * ours:.3g} = {theirs / ours:,.0f}"


def main():
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.splitlines()
    print(f"PyTorch {torch.__version__} / chimera, milliseconds for the order of all workers, medians, and how many times longer "
          "PyTorch takes. Refused: by its own check of its own order, or by its simulator.\n")
    print("| family | workers × micro-batches | make it, with communication | simulate it |")
    print("|---|---|---|---|")
    for ours in map(json.loads, lines):
        making, simulating = measure(ours["family"], ours["workers"], ours["micro_batches"])
        print(f"| {ours['family']} | {ours['workers']} × {ours['micro_batches']} "
              f"| {cell(making, ours['generate'] + ours['lower'])} | {cell(simulating, ours['simulate'])} |", flush=True)


main()
