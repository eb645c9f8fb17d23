# SPDX-License-Identifier: Apache-2.0
"""Ways of PyTorch to do the same work, and the search for the fastest within a given time. Needs no PyTorch."""

import contextlib
import dataclasses
import gc
import signal
import time

AUTOCAST, BF16 = "autocast", "bf16 weights"  # fp32 weights; no fp32 masters
EACH, WHOLE, ALONE = "block by block", "as a whole", ""


@dataclasses.dataclass(frozen=True)
class Way:
    """`mode`: of torch.compile, or "eager". `scope`: a model compiled as a whole, or each block by itself (all share the code); ALONE: a
    block. `precision`: AUTOCAST or BF16. `attention`: its backend."""
    mode: str
    scope: str
    precision: str
    attention: str

    def __str__(self):
        compiled = "eager" if self.mode == "eager" else f"compiled {self.mode}"
        scope = f" {self.scope}" if self.scope and self.mode != "eager" else ""
        return f"{compiled}{scope}, {self.precision}, {self.attention} attention"


def first_way(part, eager):
    """Where the search begins, attention aside. All of chimera's block is bf16, gradients of weights aside."""
    if part == "models":
        return Way("eager" if eager else "default", EACH, AUTOCAST, "")
    return Way("eager" if eager else "default", ALONE, BF16, "")


def changes(part, eager):
    """What is changed, one after the other, of the fastest way so far: what promises most first."""
    mode = [] if eager else [{"mode": "max-autotune-no-cudagraphs"}]
    if part == "models":
        whole = [] if eager else [{"scope": WHOLE}]
        graphs = [] if eager else [{"mode": "reduce-overhead"}]  # CUDA graphs
        return [{"precision": BF16}, *whole, *mode, *graphs]
    return [*mode, {"precision": AUTOCAST}]


class OutOfTime(BaseException):
    """Not an Exception: PyTorch's compiler wraps those in its own."""


@contextlib.contextmanager
def at_most(seconds):
    """Raises OutOfTime in what runs longer (in the main thread, between steps of the interpreter). PyTorch's compiler may not work any
    more in this process once it was stopped half-way."""
    def stop(_signal, _frame):
        raise OutOfTime
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def reason(failure):
    """An exception in one line."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return f"{type(failure).__name__}: {lines[0][:200]}" if lines else type(failure).__name__


class Search:
    """measure(what, way) gives a dictionary with "seconds", or raises; said(what, way, result) hears of every one, result being
    {"refused": why} where there is none. `now` is the clock."""

    def __init__(self, measure, said, seconds, now=time.monotonic):
        self.measure, self.said, self.now = measure, said, now
        self.end = now() + seconds
        self.best, self.took = {}, {}  # by the place of a piece of work: (seconds, way); what its first way took with compiling

    def attempt(self, index, what, way, limit=None):
        """True where it ran. Forgets the exception before returning: its frames hold tensors."""
        start = self.now()
        try:
            with at_most(limit) if limit is not None else contextlib.nullcontext():
                result = self.measure(what, way)
        except OutOfTime:
            result = {"refused": f"stopped after {limit:.0f} s, compiling or timing (time was over)"}
        except Exception as failure:  # whatever PyTorch cannot do in this way
            result = {"refused": reason(failure)}
        gc.collect()
        took = self.now() - start
        self.said(what, way, {**result, "tried_seconds": round(took, 1)})
        if "refused" in result:
            return False
        self.took.setdefault(index, took)
        if index not in self.best or result["seconds"] < self.best[index][0]:
            self.best[index] = (result["seconds"], way)
        return True

    def first(self, work, way, attentions):
        """Every piece of work in some way, whatever the time: with the first of its attention's backends that works."""
        for index, what in enumerate(work):
            for name in attentions(what):
                if self.attempt(index, what, dataclasses.replace(way, attention=name)):
                    break

    def improve(self, work, change):
        """Changes the fastest way of every piece of work, while there is time for one that takes as long as its first did."""
        for index, what in enumerate(work):
            if index not in self.best:
                continue
            way = dataclasses.replace(self.best[index][1], **change)
            left = self.end - self.now()
            if left < self.took[index]:
                self.said(what, way, {"refused": f"not tried (its first way took {self.took[index]:.0f} s, {max(left, 0):.0f} s were left)"})
            else:
                self.attempt(index, what, way, left)

    def run(self, part, eager, work, attentions):
        self.first(work, first_way(part, eager), attentions)
        for change in changes(part, eager):
            self.improve(work, change)
