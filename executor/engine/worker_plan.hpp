// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>
#include <executor/engine/stage.hpp>
#include <executor/engine/work_queue.hpp>

#include <chimera/program/program.hpp>
#include <chimera/run/run_plan.hpp>
#include <chimera/simulate/timeline.hpp>

#include <functional>
#include <vector>

namespace chimera::executor {

/// Finds the object with which a worker plays a stage; null where it does not hold it.
using stage_lookup = std::function<stage*(int worker, int stage)>;

/// One call of a stage: the unit and where its tensors are.
struct unit_call {
    std::int32_t unit = -1;
    std::byte* stash = nullptr;       ///< activations kept; for a recompute, what it starts from
    const std::byte* from = nullptr;  ///< input or output gradient
    std::byte* to = nullptr;          ///< output or input gradient; for a recompute, where it unfolds the activations
};

/// A range of one of the plan's arrays.
struct part {
    std::int32_t from = 0, size = 0;

    template <typename T>
    std::span<T> of(std::vector<T>& all) const {
        return std::span<T>(all).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(size));
    }
};

/// One instruction with everything looked up; a group of transfers is one.
struct planned {
    action op = action::forward;
    bool light = false;             ///< forward of a stage that recomputes
    std::int32_t instruction = -1;  ///< position in the worker's row; of a group, its first
    executor::stage* model = nullptr;
    std::int32_t step = -1;     ///< compute, update: index into steps; reduce, wait: into reductions
    std::int32_t group = -1;    ///< reduce, wait: the communicator's handle
    std::int16_t version = -1;  ///< compute, update: of the weights, where they change within the iteration
    std::int16_t newest = -1;   ///< update: the version it starts from
    bool empty = false;         ///< reduce, update: no unit passed the stage since the update before
    bool reopens = false;       ///< update: another group follows
    std::int32_t update = -1;   ///< update: how many of the stage come before it in the iteration
    part units;                 ///< compute: into calls
    part transfers;             ///< into transfers
};

/// The work of one worker in an iteration, resolved once: the loop looks nothing up and allocates nothing.
struct worker_plan {
    int worker = -1;
    run_plan row;                      ///< what the loop walks
    std::vector<planned> steps_to_do;  ///< beside row.steps
    std::vector<unit_call> calls;
    std::vector<transfer> transfers;
    std::vector<executor::stage*> stages;         ///< those the worker holds
    std::vector<executor::stage*> without_units;  ///< of these, the ones that no unit of an iteration passes here
    std::vector<step> steps, reductions;          ///< of the timeline, times to be filled in

    queue_memory memory;  ///< activations and boundary tensors
    std::size_t bytes = 0;
};

/// Resolves the row of `end.worker()`: which message or hand-over feeds which call, where each tensor lives.
/// Throws when the row does not add up (a tensor nobody makes, a stage the worker does not hold, sizes that differ).
/// Memory is the work queue's, or the host's where there is none; the work queue must outlive the plan.
worker_plan make_worker_plan(const program_view& p, communicator& end, const stage_lookup& lookup,
                             work_queue* on = nullptr);

}  // namespace chimera::executor
