# SPDX-License-Identifier: Apache-2.0
"""Runs a program with PyTorch: one process a worker, messages by torch.distributed.

    runner = Runner(program, rank, {stage: module, ...}, example)
    losses = runner.run(inputs, loss)     # inputs(unit) is stage 0's input, loss(output, unit) a scalar

Gradients are left in `.grad` of the modules' parameters, summed over all units and over the workers that hold the
stage. Every family without weight versions runs: several stages a worker, two pipelines, split backwards, recompute,
passes over several units, pairs (one pass after the other).
"""
import torch
import torch.distributed as dist


class Runner:
    """One worker's row of a program, with the modules of the stages that the worker holds.

    modules: the torch.nn.Module of each stage that this worker holds, by the stage's number.
    example: a tensor of the shape and type that passes between stages, of one unit; or one for each boundary.
    update:  called with a stage when its gradient is complete; by default gradients are only left where they are.
    All workers construct their runner at the same time: process groups are made.
    """

    def __init__(self, program, worker, modules, example, update=None):
        self.row = program.row(worker)
        if any(i.version for i in self.row) or any(i.link >= 0 or i.stage >= program.stages for i in self.row):
            raise ValueError("the program has weight versions or links (this runner knows neither) use another family")
        held = {i.stage for i in self.row if i.op in ("forward", "update_weights")}
        if missing := held - set(modules):
            raise ValueError(f"no module for stage {min(missing)} (worker {worker} holds it) give one for each stage")
        self.last = program.stages - 1
        self.modules, self.update = modules, update or (lambda stage: None)
        self.examples = [example] * self.last if isinstance(example, torch.Tensor) else list(example)
        self.recomputed = {i.stage for i in self.row if i.op == "recompute"}
        self.groups = {}
        for stage in range(program.stages):
            members = program.members(stage)
            if len(members) > 1:
                self.groups[stage] = dist.new_group(members)

    def run(self, inputs, loss):
        """Runs an iteration. Returns the loss of each unit whose last stage is here, detached."""
        self.inputs, self.loss = inputs, loss
        self.values, self.kept, self.losses, self.sums = {}, {}, {}, {}
        at = 0
        while at < len(self.row):
            i = self.row[at]
            if i.op.startswith(("send", "recv")):
                end = at + 1
                while end < len(self.row) and self._in_group(self.row[end], i.group):
                    end += 1
                self._exchange(self.row[at:end])
                at = end
                continue
            if i.op == "reduce_gradient":
                self._start_sum(i.stage)
            elif i.op == "wait_gradient":
                self._end_sum(i.stage)
            elif i.op == "update_weights":
                self.update(i.stage)
            else:
                for unit in range(i.first, i.first + i.count):
                    getattr(self, "_" + i.op)(i.stage, unit)
            at += 1
        return self.losses

    @staticmethod
    def _in_group(i, group):
        return i.op.startswith(("send", "recv")) and i.group == group

    # Values between stages, by (gradient?, stage that reads it, unit).

    def _exchange(self, calls):
        operations = []
        for i in calls:
            gradient = i.op.endswith("gradient")
            for unit in range(i.first, i.first + i.count):
                key = (gradient, i.stage, unit)
                if i.op.startswith("send"):
                    operations.append(dist.P2POp(dist.isend, self.values.pop(key).contiguous(), i.peer))
                else:
                    boundary = self.examples[i.stage if gradient else i.stage - 1]
                    self.values[key] = torch.empty_like(boundary)
                    operations.append(dist.P2POp(dist.irecv, self.values[key], i.peer))
        for request in dist.batch_isend_irecv(operations):
            request.wait()

    # Passes.

    def _compute(self, stage, unit, x):
        y = self.modules[stage](x)
        if stage < self.last:
            return y, y
        value = self.loss(y, unit)
        self.losses[unit] = value.detach()
        return value, None

    def _forward(self, stage, unit):
        x = self.inputs(unit) if stage == 0 else self.values.pop((False, stage, unit)).requires_grad_()
        with torch.set_grad_enabled(stage not in self.recomputed):
            end, y = self._compute(stage, unit, x)
        self.kept[stage, unit] = (x, None if stage in self.recomputed else end, None)
        if y is not None:
            self.values[False, stage + 1, unit] = y.detach()

    def _recompute(self, stage, unit):
        x, _, _ = self.kept[stage, unit]
        self.kept[stage, unit] = (x, self._compute(stage, unit, x)[0], None)

    def _output_gradient(self, stage, unit):
        return None if stage == self.last else self.values.pop((True, stage, unit))

    def _backward(self, stage, unit):
        x, end, _ = self.kept.pop((stage, unit))
        torch.autograd.backward(end, self._output_gradient(stage, unit))
        if stage > 0:
            self.values[True, stage - 1, unit] = x.grad

    def _input_gradient(self, stage, unit):
        x, end, _ = self.kept[stage, unit]
        dy = self._output_gradient(stage, unit)
        if stage > 0:
            self.values[True, stage - 1, unit], = torch.autograd.grad(end, x, dy, retain_graph=True)
        self.kept[stage, unit] = (x, end, dy)

    def _weight_gradient(self, stage, unit):
        _, end, dy = self.kept.pop((stage, unit))
        weights = [p for p in self.modules[stage].parameters() if p.requires_grad]
        found = torch.autograd.grad(end, weights, dy, allow_unused=True)
        for weight, gradient in zip(weights, found):
            if gradient is not None:
                weight.grad = gradient if weight.grad is None else weight.grad + gradient

    # Sums over the workers that hold a stage.

    def _start_sum(self, stage):
        weights = [p for p in self.modules[stage].parameters() if p.requires_grad]
        for p in weights:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        self.sums[stage] = [dist.all_reduce(p.grad, group=self.groups[stage], async_op=True) for p in weights]

    def _end_sum(self, stage):
        for request in self.sums.pop(stage):
            request.wait()
