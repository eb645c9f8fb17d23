// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/simulate/timeline.hpp>

namespace chimera {

/// The unit of a timeline's numbers: a schedule's own grid, or seconds.
enum class time_unit : std::uint8_t {
    ticks,   ///< whole numbers of a schedule's grid
    seconds  ///< seconds, predicted or measured
};

/// The action that computes a pass.
[[nodiscard]] constexpr action action_of(pass op) { return static_cast<action>(op); }
static_assert(action_of(pass::forward) == action::forward && action_of(pass::backward) == action::backward &&
              action_of(pass::input_gradient) == action::input_gradient &&
              action_of(pass::weight_gradient) == action::weight_gradient &&
              action_of(pass::recompute) == action::recompute);

/// A schedule on its own grid: every slot a step, begin and end in ticks. Linear in slots.
[[nodiscard]] constexpr timeline ticks_timeline(schedule_argument from) {
    timeline out;
    out.head = from.head;
    out.placement.assign(from.placement.begin(), from.placement.end());
    out.offsets.assign(from.offsets.begin(), from.offsets.end());
    out.steps.reserve(from.entries.size());
    for (const slot& s : from.entries) {
        step one;
        one.op = action_of(s.op);
        one.count = s.count;
        one.pipeline = s.pipeline;
        one.stage = s.stage;
        one.first = s.first;
        one.begin = static_cast<double>(s.tick);
        one.end = static_cast<double>(s.tick) + static_cast<double>(s.ticks);
        out.steps.push_back(one);
    }
    return out;
}

}  // namespace chimera
