# SPDX-License-Identifier: Apache-2.0
"""PyTorch loads what chimera writes, and chimera reads it back. Usage: pytorch.py PROGRAM

Orders pass PyTorch's validation and programs load as "compute_comms" into its runtime, then run in its simulator of communication. The
simulator knows neither reductions nor compounds, of PyTorch's own files either: these are taken out, and opened, for it.
"""
import csv
import io
import os
import random
import subprocess
import sys
import tempfile

try:
    import torch
    from torch.distributed.pipelining import schedules
    from torch.distributed.pipelining.schedules import (
        _Action, _PipelineScheduleRuntime, _add_send_recv, _add_wait_send, _simulate_comms_compute, _validate_schedule)
    from pytorch_stage import Stage
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = sys.argv[1]
FAMILIES = {  # stages of a worker; even numbers of micro-batches, at least so many of a worker
    "gpipe": (1, 1, 0), "one_f_one_b": (1, 1, 0), "interleaved": (2, 1, 0), "breadth_first": (2, 1, 0), "zb_h1": (1, 1, 0), "zb_h2": (1, 1, 0),
    "zb_v": (2, 1, 0), "v_half": (2, 1, 0), "v_min": (2, 1, 0), "wave": (2, 1, 0), "dualpipe_v": (2, 2, 2),
}


def chimera(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


def rows(text):
    return {rank: [_Action.from_str(cell) for cell in row] for rank, row in enumerate(csv.reader(io.StringIO(text)))}


def words(order):
    return {rank: [str(action) for action in row if action] for rank, row in order.items()}


def opened(row):
    return [part for action in row for part in action.sub_actions or (action,) if "REDUCE_GRAD" not in str(part)]


def load(path, stages, ranks, micro_batches):
    runtime = _PipelineScheduleRuntime([Stage(stages, ranks)], micro_batches)
    runtime._load_csv(path, "compute_comms")
    return runtime.pipeline_order_with_comms


def check(family, ranks, micro_batches, folder):
    stages = ranks * FAMILIES[family][0]
    sizes = (family, "--stages", str(stages), "--micro-batches", str(micro_batches))
    order = rows(chimera("schedule", *sizes, "--format", "csv"))
    place = _validate_schedule(order, ranks, stages, micro_batches)
    path = os.path.join(folder, "program.csv")
    chimera("program", *sizes, "--format", "csv", "-o", path)
    program = load(path, stages, ranks, micro_batches)
    assert words({r: [a for a in row if a.is_compute_op] for r, row in program.items()}) == words(order), sizes
    plain = {rank: opened(row) for rank, row in program.items()}
    _simulate_comms_compute(plain, place.__getitem__, stages)
    theirs = _add_wait_send(_add_send_recv({r: [a for a in row if a] for r, row in order.items()}, place.__getitem__, stages))
    for rank in order:  # the transfers and waits of PyTorch's own lowering, in whatever order
        ours, own = (sorted(str(a) for a in row[rank] if "SEND" in str(a) or "RECV" in str(a)) for row in (plain, theirs))
        assert ours == own, (sizes, rank)
        reduced = [str(a) for a in program[rank] if "REDUCE_GRAD" in str(a)]
        held = [s for s in range(stages) if place[s] == rank]
        assert sorted(reduced) == sorted(f"{s}{word}" for s in held for word in ("REDUCE_GRAD", "WAIT_REDUCE_GRAD")), (sizes, rank)
    assert "ok" in chimera("verify", path), sizes


def check_theirs(kind, chunks, ranks, micro_batches, folder):
    """What PyTorch dumps is read, and holds all laws."""
    stages = [Stage(chunks * ranks, ranks) for _ in range(chunks)]
    for chunk, stage in enumerate(stages):
        stage.stage_index = chunk * ranks
    if kind in (schedules.ScheduleZBVZeroBubble, schedules.ScheduleDualPipeV):
        stages[1].stage_index = 2 * ranks - 1
    runtime = kind(stages, micro_batches, loss_fn=torch.nn.functional.mse_loss)
    if not hasattr(runtime, "pipeline_order_with_comms"):
        runtime._prepare_schedule_with_comms(runtime.pipeline_order)
    for form in ("compute_only", "compute_comms"):
        path = os.path.join(folder, f"{form}.csv")
        runtime._dump_csv(path, format=form)
        assert f"ok: custom, {chunks * ranks} stages on {ranks} workers" in chimera("verify", path), (kind, form)
    assert "makespan" in chimera("simulate", path)


drawn = random.Random(7)
cases = 0
with tempfile.TemporaryDirectory() as scratch:
    for name, (_, step, least) in FAMILIES.items():
        for ranks in (1, 3, 4, 5, drawn.randrange(6, 12)):
            micro_batches = step * drawn.randrange(max(1, -(-least * ranks // step)), 2 * ranks + max(1, least * ranks) + 1)
            if name in ("interleaved", "breadth_first") and ranks == 1:
                continue
            check(name, ranks, micro_batches, scratch)
            cases += 1
    for kind, chunks in ((schedules.ScheduleInterleaved1F1B, 2), (schedules.ScheduleInterleaved1F1B, 3), (schedules.ScheduleLoopedBFS, 2),
                         (schedules.ScheduleInterleavedZeroBubble, 2), (schedules.ScheduleZBVZeroBubble, 2), (schedules.ScheduleDualPipeV, 2)):
        for ranks in (2, 3, 4, 7):
            check_theirs(kind, chunks, ranks, ranks * drawn.randrange(2, 4), scratch)
            cases += 1
print(f"{cases} programs exchanged with PyTorch {torch.__version__}")
