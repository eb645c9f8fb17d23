// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/periodic_order.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace chimera::detail {

/// A building block of V-shaped schedules (Qi et al., Pipeline Parallelism with Controllable Memory, arXiv 2405.15362):
/// the four passes of a micro-batch that others wait for, down, up, down and up the workers.
/// `stride`: ticks from worker to worker on each leg. `gap`: ticks at the three turns. `period`: ticks from micro-batch
/// to micro-batch, 6 if a backward comes in two halves, else 4.
struct vee_block {
    std::array<int, 4> stride;
    std::array<int, 3> gap;
    int period = 6;

    [[nodiscard]] constexpr bool split() const noexcept { return period == 6; }

    /// Returns the tick at which leg `leg` of micro-batch 0 is on worker w of `workers`.
    [[nodiscard]] constexpr int tick(int leg, int w, int workers) const noexcept {
        int at = 0;
        for (int l = 0; l < leg; ++l)
            at += stride[static_cast<std::size_t>(l)] * (workers - 1) + gap[static_cast<std::size_t>(l)];
        return at + stride[static_cast<std::size_t>(leg)] * (leg % 2 == 0 ? w : workers - 1 - w);
    }

    /// Returns whether no two legs meet on a worker.
    [[nodiscard]] constexpr bool fits(int workers) const noexcept {
        for (int w = 0; w < workers; ++w)
            for (int a = 1; a < 4; ++a)
                for (int b = 0; b < a; ++b)
                    if ((tick(a, w, workers) - tick(b, w, workers)) % period == 0) return false;
        return true;
    }
};

/// Returns the order of a block repeated every period; a split block has every input gradient followed by its weight
/// gradient.
[[nodiscard]] constexpr schedule vee_order(label family, int workers, int micro_batches, const vee_block& block) {
    periodic_block out{{}, {}, block.period};
    for (int w = 0; w < workers; ++w) out.forward.push_back(block.tick(0, w, workers));
    for (int w = workers; w-- > 0;) out.forward.push_back(block.tick(1, w, workers));
    for (int w = 0; w < workers; ++w) out.gradient.push_back(block.tick(3, w, workers));
    for (int w = workers; w-- > 0;) out.gradient.push_back(block.tick(2, w, workers));
    return periodic_order(family, folded_placement(2 * workers, workers), workers, micro_batches, out, block.split());
}

}  // namespace chimera::detail
