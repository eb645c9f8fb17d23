// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

namespace chimera {

/// The schedule GPipe (Huang et al., arXiv 1811.06965): all forwards, then all backwards, micro-batches in order.
/// Makespan 2(N + D - 1) at F = B = 1, peak N.
struct gpipe {
    int stages = 1;         ///< D, one a worker
    int micro_batches = 1;  ///< N, at least 1

    static constexpr family_traits traits{.name = "gpipe"};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_sizes(stages, micro_batches, 2); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr gpipe for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Returns the critical path (Chimera, table 2).
    [[nodiscard]] constexpr path_counts path() const noexcept {
        return {micro_batches + stages - 1, micro_batches + stages - 1};
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule out = detail::linear("gpipe", stages, micro_batches, slot_count());
        const int turn = micro_batches + stages - 1;  // the tick of the first backward, on the last worker
        for (int s = 0; s < stages; ++s) {
            const auto at = static_cast<std::uint16_t>(s);
            for (int m = 0; m < micro_batches; ++m)
                out.entries.push_back({.tick = s + m, .first = m, .stage = at, .op = pass::forward});
            for (int m = 0; m < micro_batches; ++m)
                out.entries.push_back(
                    {.tick = turn + stages - 1 - s + m, .first = m, .stage = at, .op = pass::backward});
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        }
        return out;
    }
};

}  // namespace chimera
