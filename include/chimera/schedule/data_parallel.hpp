// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/move_workers.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

namespace chimera {

/// The trivial pipeline: one stage, the whole model, on every worker. No worker idles.
struct data_parallel {
    int stages = 1;         ///< always 1
    int micro_batches = 1;  ///< of each worker
    int width = 1;          ///< workers

    static constexpr family_traits traits{
        .name = "data_parallel", .alias = "dp", .placement = placement_rule::replicated};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (stages != 1) return stages < 1 ? refusal::stages_below_one : refusal::stages_not_one;
        if (width < 1) return refusal::width_below_one;
        return detail::refuse_sizes(width, micro_batches, 2);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return width; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr data_parallel for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    [[nodiscard]] constexpr int placements() const noexcept { return width; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(width) * static_cast<std::size_t>(micro_batches);
    }
    /// Returns the critical path: all passes of a worker.
    [[nodiscard]] constexpr path_counts path() const noexcept { return {micro_batches, micro_batches}; }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule one = detail::maker::make(one_f_one_b{1, micro_batches});
        one.head.family = "data_parallel";
        return widen(one, width);
    }
};

}  // namespace chimera
