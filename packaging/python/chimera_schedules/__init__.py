# SPDX-License-Identifier: Apache-2.0
"""Pipeline schedules for distributed training: generated, proven, simulated, searched, planned.

Each family is a function: `bidirectional(stages=8, micro_batches=16)`, or `zb_v(workers=4, micro_batches=12)`. What
cannot be built raises ValueError with one line that says why. `families()` lists the families and their options.
"""
import functools as _functools

from ._native import (Instruction, Program, Schedule, SearchResult, Slot, Timeline, __version__, custom, families,
                      generate, hardware, models, plan, search, simulate)

__all__ = ["Instruction", "Program", "Schedule", "SearchResult", "Slot", "Timeline", "custom", "families", "generate",
           "hardware", "models", "plan", "search", "simulate", *families()]


def _maker(name, options):
    made = _functools.partial(generate, name)
    made.__doc__ = f"Returns the schedule {name}. Options: stages or workers, micro_batches" + "".join(
        f"; {key}: {help_text}" for key, help_text in options.items()) + "."
    return made


globals().update({name: _maker(name, options) for name, options in families().items()})
