# SPDX-License-Identifier: Apache-2.0
"""One rank of a pipeline. Usage: two_ranks.py RANK WORKERS FILE FAMILY [OPTION=VALUE ...]"""
import sys

import torch
import torch.distributed as dist

import chimera_schedules as cs
from chimera_schedules.torch_runner import Runner

rank, workers, meeting, family = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
options = {k: int(v) if v.isdigit() else v for k, v in (a.split("=") for a in sys.argv[5:])}
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers)
order = cs.generate(family, workers=workers, **options)
program = order.lower()
units = program.units


def layer(stage):  # the same weights on every rank
    torch.manual_seed(7 + stage)
    return torch.nn.Sequential(torch.nn.Linear(12, 12), torch.nn.Tanh()).double()


torch.manual_seed(1)
data, target = torch.randn(units, 3, 12, dtype=torch.double), torch.randn(units, 3, 12, dtype=torch.double)


def loss(output, unit):
    return ((output - target[unit]) ** 2).sum()


held = {i.stage for i in program.row(rank) if i.op == "forward"}
modules = {stage: layer(stage) for stage in held}
losses = Runner(program, rank, modules, data[0]).run(lambda unit: data[unit], loss)

serial = [layer(stage) for stage in range(program.stages)]
for unit in range(units):
    value = loss(torch.nn.Sequential(*serial)(data[unit]), unit)
    value.backward()
    if unit in losses:
        torch.testing.assert_close(losses[unit], value.detach())
for stage in held:
    for ours, expected in zip(modules[stage].parameters(), serial[stage].parameters()):
        torch.testing.assert_close(ours.grad, expected.grad, rtol=1e-12, atol=1e-12)
dist.destroy_process_group()
print(f"rank {rank}: {len(held)} stages, {len(losses)} losses: equal")
