// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/sort_keys.hpp>
#include <chimera/schedule/order_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// The starts of a micro-batch's passes on a grid: those of the next micro-batch are a period later.
struct periodic_block {
    std::vector<std::int64_t> forward;   ///< per stage
    std::vector<std::int64_t> gradient;  ///< per stage
    std::int64_t period = 1;
};

/// Returns the order in which workers run a block repeated every period. `split`: every input gradient is followed by
/// its weight gradient; else backwards are full.
[[nodiscard]] constexpr schedule periodic_order(label family, std::vector<std::int32_t> placement, int workers,
                                                int micro_batches, const periodic_block& block, bool split) {
    const std::size_t stages = placement.size();
    std::vector<std::vector<std::int64_t>> passes(static_cast<std::size_t>(workers));  // by phase, stage, gradient last
    for (std::size_t s = 0; s < stages; ++s)
        for (const std::int32_t gradient : {0, 1})
            passes[static_cast<std::size_t>(placement[s])].push_back(
                sort_key((gradient ? block.gradient[s] : block.forward[s]) % block.period,
                         static_cast<std::int32_t>(2 * s) + gradient));
    order_writer out({family, workers, static_cast<int>(stages), 1, micro_batches, 1}, std::move(placement),
                     (split ? 3 : 2) * stages * static_cast<std::size_t>(micro_batches));
    const auto periods_late = [&](std::int64_t key) {  // after the micro-batch's own
        const auto s = static_cast<std::size_t>(second_of(key) / 2);
        return (second_of(key) % 2 ? block.gradient[s] : block.forward[s]) / block.period;
    };
    for (std::vector<std::int64_t>& own : passes) {
        sort_keys(own);
        std::int64_t last = 0;
        for (const std::int64_t key : own) last = (std::max)(last, periods_late(key));
        for (std::int64_t period = 0; period < micro_batches + last; ++period) {
            for (const std::int64_t key : own) {
                const std::int64_t m = period - periods_late(key);
                if (m < 0 || m >= micro_batches) continue;
                const int stage = second_of(key) / 2;
                const bool gradient = second_of(key) % 2 == 1;
                out.add(!gradient ? pass::forward
                        : split   ? pass::input_gradient
                                  : pass::backward,
                        stage, static_cast<int>(m));
                if (gradient && split) out.add(pass::weight_gradient, stage, static_cast<int>(m));
            }
        }
        out.end_row();
    }
    return out.take();
}

}  // namespace chimera::detail
