// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// A linear pipeline without slots: stage s on worker s.
[[nodiscard]] constexpr schedule linear(label family, int stages, int micro_batches, std::size_t slot_total) {
    schedule out{{family, stages, stages, 1, micro_batches, 1}, {}, {}, {}};
    out.placement.reserve(static_cast<std::size_t>(stages));
    for (int s = 0; s < stages; ++s) out.placement.push_back(s);
    out.offsets.reserve(static_cast<std::size_t>(stages) + 1);
    out.offsets.push_back(0);
    out.entries.reserve(slot_total);
    return out;
}

}  // namespace detail

/// The schedule 1F1B with a flush (DAPPLE): on worker s, stages - s warm-up forwards, then one backward, one forward.
/// On a grid where F = B = 1 tick the forward of (s, m) is at s + 2m and its backward at 2·stages - 1 - s + 2m
/// (DeepSpeed's TrainSchedule; the timetable of one Chimera pipeline). Makespan 2(N + D - 1), peak min(D - s, N).
struct one_f_one_b {
    int stages = 1;         ///< D, one a worker
    int micro_batches = 1;  ///< N, at least 1

    static constexpr family_traits traits{.name = "one_f_one_b", .alias = "1f1b"};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_sizes(stages, micro_batches, 2); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr one_f_one_b for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
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
        schedule out = detail::linear("one_f_one_b", stages, micro_batches, slot_count());
        for (int s = 0; s < stages; ++s) {
            const auto at = static_cast<std::uint16_t>(s);
            int f = 0;
            for (int b = 0; b < micro_batches; ++b) {
                for (; f < micro_batches && s + 2 * f < 2 * stages - 1 - s + 2 * b; ++f)
                    out.entries.push_back({.tick = s + 2 * f, .first = f, .stage = at, .op = pass::forward});
                out.entries.push_back(
                    {.tick = 2 * stages - 1 - s + 2 * b, .first = b, .stage = at, .op = pass::backward});
            }
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        }
        return out;
    }
};

}  // namespace chimera
