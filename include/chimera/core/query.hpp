// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstdint>

namespace chimera {

/// Ticks from 0 to the end of the last slot.
[[nodiscard]] constexpr std::int32_t makespan(schedule_argument of) noexcept {
    std::int32_t end = 0;
    for (int w = 0; w < of.head.workers; ++w) {
        const auto row = of.row(w);
        if (!row.empty()) end = (std::max)(end, row.back().end());
    }
    return end;
}

/// Ticks in which the worker computes.
[[nodiscard]] constexpr std::int32_t busy(schedule_argument of, worker w) noexcept {
    std::int32_t sum = 0;
    for (const slot& s : of.row(w.index))
        if (s.overlap == 0) sum += s.ticks;
    return sum;
}

/// Bubble of a worker in ticks: makespan minus busy time.
[[nodiscard]] constexpr std::int32_t idle(schedule_argument of, worker w) noexcept {
    return makespan(of) - busy(of, w);
}

/// Most live activations of a worker, in units of one stage: from the forward to the end of the (weight) backward.
[[nodiscard]] constexpr std::int32_t peak_units(schedule_argument of, worker w) noexcept {
    std::int32_t live = 0;
    std::int32_t peak = 0;
    for (const slot& s : of.row(w.index)) {
        if (s.op == pass::forward) live += s.count;
        peak = (std::max)(peak, live);
        if (ends_activation(s.op)) live -= s.count;
    }
    return peak;
}

/// The same in micro-batches of one stage, as the papers count: a fraction where backward halving cuts them.
[[nodiscard]] constexpr double peak_activations(schedule_argument of, worker w) noexcept {
    return static_cast<double>(peak_units(of, w)) / of.head.micro_batch_parts;
}

/// Idle share of all workers together: 1 - busy / (workers · makespan).
[[nodiscard]] constexpr double bubble_ratio(schedule_argument of) noexcept {
    std::int64_t sum = 0;
    for (int w = 0; w < of.head.workers; ++w) sum += busy(of, worker{w});
    return 1.0 - static_cast<double>(sum) / (static_cast<double>(of.head.workers) * makespan(of));
}

}  // namespace chimera
