// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstdint>

namespace chimera {

/// Returns the ticks from 0 to the end of the last slot.
[[nodiscard]] constexpr std::int32_t makespan(schedule_argument table) noexcept {
    std::int32_t end = 0;
    for (int w = 0; w < table.head.workers; ++w) {
        const auto row = table.row(w);
        if (!row.empty()) end = (std::max)(end, row.back().end());
    }
    return end;
}

/// Returns the ticks in which a worker computes. A pair counts once.
[[nodiscard]] constexpr std::int32_t busy(schedule_argument table, worker w) noexcept {
    std::int32_t sum = 0;
    for (const slot& s : table.row(w.index))
        if (s.overlap == 0) sum += s.ticks;
    return sum;
}

/// Returns the bubble of a worker in ticks: the makespan minus its busy ticks.
[[nodiscard]] constexpr std::int32_t idle(schedule_argument table, worker w) noexcept {
    return makespan(table) - busy(table, w);
}

/// Returns the most activations that a worker keeps at once, in units of one stage. An activation lives from its
/// forward to the end of its backward, or of its weight gradient where the backward comes in halves.
[[nodiscard]] constexpr std::int32_t peak_units(schedule_argument table, worker w) noexcept {
    std::int32_t live = 0;
    std::int32_t peak = 0;
    for (const slot& s : table.row(w.index)) {
        if (s.op == pass::forward) live += s.count;
        peak = (std::max)(peak, live);
        if (ends_activation(s.op)) live -= s.count;
    }
    return peak;
}

/// Returns `peak_units` in micro-batches of one stage, as the papers count: a fraction under backward halving.
[[nodiscard]] constexpr double peak_activations(schedule_argument table, worker w) noexcept {
    return static_cast<double>(peak_units(table, w)) / table.head.micro_batch_parts;
}

/// Returns the idle share of all workers together: 1 - busy / (workers · makespan).
[[nodiscard]] constexpr double bubble_ratio(schedule_argument table) noexcept {
    std::int64_t sum = 0;
    for (int w = 0; w < table.head.workers; ++w) sum += busy(table, worker{w});
    return 1.0 - static_cast<double>(sum) / (static_cast<double>(table.head.workers) * makespan(table));
}

}  // namespace chimera
