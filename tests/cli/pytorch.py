# SPDX-License-Identifier: Apache-2.0
"""PyTorch reads what chimera writes: orders pass its validation, programs its dry run. Usage: pytorch.py PROGRAM"""
import csv
import io
import subprocess
import sys

try:
    from torch.distributed.pipelining.schedules import (
        _Action, _add_send_recv, _simulate_comms_compute, _validate_schedule)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def rows(*arguments):
    text = subprocess.run([sys.argv[1], *arguments, "--format", "csv"], check=True, capture_output=True, text=True).stdout
    return {rank: [_Action.from_str(cell) for cell in row] for rank, row in enumerate(csv.reader(io.StringIO(text)))}


def text(order):
    return {rank: [str(action) for action in row if action] for rank, row in order.items()}


cases = 0
for family, stages, ranks, micro_batches in (
    ("gpipe", 4, 4, 8), ("one_f_one_b", 4, 4, 8), ("interleaved", 8, 4, 8), ("breadth_first", 8, 4, 4), ("zb_h1", 4, 4, 8),
    ("zb_h2", 4, 4, 8), ("zb_v", 8, 4, 8), ("v_half", 8, 4, 8), ("v_min", 8, 4, 8), ("wave", 8, 4, 8), ("dualpipe_v", 8, 4, 10),
):
    sizes = (family, "--stages", str(stages), "--micro-batches", str(micro_batches))
    order = rows("schedule", *sizes)
    assert len(order) == ranks, family
    place = _validate_schedule(order, ranks, stages, micro_batches)
    program = rows("program", *sizes)
    compute = {rank: [a for a in row if a.is_compute_op] for rank, row in program.items()}
    assert text(compute) == text(order), family
    if family != "dualpipe_v":  # its dry run knows no pairs
        program = {rank: [a for a in row if "REDUCE_GRAD" not in str(a)] for rank, row in program.items()}
        _simulate_comms_compute(program, place.__getitem__, stages)
        theirs = _add_send_recv({rank: [a for a in row if a] for rank, row in order.items()}, place.__getitem__, stages)
        for rank in order:  # the same transfers as PyTorch's own lowering, in whatever order
            ours, own = (sorted(str(a) for a in p[rank] if "SEND" in str(a) or "RECV" in str(a)) for p in (program, theirs))
            assert ours == [a for a in own if "WAIT" not in a], (family, rank)
    cases += 1
print(f"{cases} families read by PyTorch")
