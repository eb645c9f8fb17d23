// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

namespace chimera {

/// The schedule GEMS (Jain et al., SC'20): a pipeline and its mirror take turns. The forward of one micro-batch follows
/// the backward of the one before from worker to worker, so a worker never holds more than one activation.
/// Micro-batch m runs on pipeline m mod 2. F = B = 1 tick: a micro-batch starts every stages + 1 ticks, makespan
/// (D + 1) N + D - 1. With B = 2F the bubble ratio tends to (D - 1) / (D + 1/2).
struct gems {
    int stages = 1;         ///< D, one a worker on each pipeline
    int micro_batches = 1;  ///< N, of both pipelines together

    static constexpr family_traits traits{.name = "gems"};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_sizes(stages, micro_batches, 2); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr gems for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return 2 * stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule out = detail::linear("gems", stages, micro_batches, slot_count());
        out.head.pipelines = 2;
        for (int s = stages; s-- > 0;) out.placement.push_back(s);
        const int turn = stages + 1;
        for (int w = 0; w < stages; ++w) {
            for (int m = 0; m < micro_batches; ++m) {
                const int s = m % 2 == 0 ? w : stages - 1 - w;
                const auto pipeline = static_cast<std::uint16_t>(m % 2);
                const auto stage = static_cast<std::uint16_t>(s);
                out.entries.push_back({.tick = m * turn + s, .first = m, .stage = stage, .pipeline = pipeline});
                out.entries.push_back({.tick = m * turn + 2 * stages - 1 - s,
                                       .first = m,
                                       .stage = stage,
                                       .pipeline = pipeline,
                                       .op = pass::backward});
            }
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        }
        return out;
    }
};

}  // namespace chimera
