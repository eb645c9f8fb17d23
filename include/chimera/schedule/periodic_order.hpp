// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    struct leg {
        std::int64_t phase = 0;  // within the period
        std::int64_t delay = 0;  // periods after the micro-batch's own
        int stage = 0;
        bool forward = false;
    };
    std::vector<std::vector<leg>> legs(static_cast<std::size_t>(workers));
    for (std::size_t s = 0; s < stages; ++s) {
        auto& own = legs[static_cast<std::size_t>(placement[s])];
        const std::int64_t f = block.forward[s], g = block.gradient[s];
        own.push_back({f % block.period, f / block.period, static_cast<int>(s), true});
        own.push_back({g % block.period, g / block.period, static_cast<int>(s), false});
    }
    order_writer out({family, workers, static_cast<int>(stages), 1, micro_batches, 1}, std::move(placement),
                     (split ? 3 : 2) * stages * static_cast<std::size_t>(micro_batches));
    for (auto& own : legs) {
        std::sort(own.begin(), own.end(), [](const leg& a, const leg& b) {
            return a.phase != b.phase ? a.phase < b.phase : a.stage < b.stage;
        });
        std::int64_t last = 0;
        for (const leg& l : own) last = (std::max)(last, l.delay);
        for (std::int64_t period = 0; period < micro_batches + last; ++period) {
            for (const leg& l : own) {
                const std::int64_t m = period - l.delay;
                if (m < 0 || m >= micro_batches) continue;
                out.add(l.forward ? pass::forward
                        : split   ? pass::input_gradient
                                  : pass::backward,
                        l.stage, static_cast<int>(m));
                if (!l.forward && split) out.add(pass::weight_gradient, l.stage, static_cast<int>(m));
            }
        }
        out.end_row();
    }
    return out.take();
}

}  // namespace chimera::detail
