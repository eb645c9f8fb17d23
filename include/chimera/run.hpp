// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A driver for a trainer of your own: it walks one worker's program and calls your functions.
///
///     const run_plan plan = make_run_plan(program, worker);  // once
///     run(plan, hooks);                                      // once an iteration
///
/// docs/your_own_trainer.md goes on from here. <chimera/run/walk_row.hpp> alone, the walk without the set-up, may be
/// included with -fno-exceptions.

#include <chimera/run/delivered.hpp>
#include <chimera/run/run_program.hpp>
