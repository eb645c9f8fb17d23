// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/fold.hpp>
#include <chimera/algebra/overlay.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/vee_block.hpp>

#include <cstddef>

namespace chimera {

namespace detail {

/// Puts basic units of `each` micro-batches end to end, one every `period` ticks, the last perhaps partial; `unit(n)`
/// makes one.
template <class Unit>
[[nodiscard]] constexpr schedule unit_train(int micro_batches, int each, int period, Unit unit) {
    const int full = micro_batches / each;
    const int rest = micro_batches % each;
    if (full == 0) return unit(rest);
    if (full == 1 && rest == 0) return unit(each);
    if (rest == 0) return repeat(unit(each), full, period);
    return append(repeat(unit(each), full, period), unit(rest), full * period);
}

}  // namespace detail

/// The schedule Hanayo (Liu et al., SC'23, arXiv 2308.15762): every micro-batch runs down the workers and up again
/// `waves` times, without replicas. It is Chimera's timetable folded: 1F1B over all stages, looped and folded onto the
/// workers, which by Chimera's theorem never collides. A basic unit holds as many micro-batches as there are workers.
/// F = B = 1 tick, N a multiple of the workers: idle 2 · workers - 2 ticks per worker for any number of waves, so that
/// the bubble falls as 1 / waves. Other costs: (2 · workers - 2)(B + (K - 1)(B - F)) over K basic units.
/// One wave repeats a block instead of units: idle (2 · workers - 2) B for every N >= workers, peak 2 · workers.
struct wave {
    int stages = 2;         ///< a multiple of 2 · waves
    int micro_batches = 1;  ///< N, at least 1
    int waves = 1;          ///< times down the workers and up again

    static constexpr family_traits traits{.name = "wave", .placement = placement_rule::folded};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 2); why != refusal::none) return why;
        if (waves < 1) return refusal::waves_below_one;
        return stages % 2 == 0 && stages / 2 % waves == 0 ? refusal::none : refusal::waves_do_not_divide;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2 / waves; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr wave for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    /// Returns 2 · waves.
    [[nodiscard]] constexpr int stages_per_worker() const noexcept { return 2 * waves; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Calls f with each choice that the planner tries.
    template <class F>
    static constexpr void variants(int, const F& f) {
        for (int waves = 1; waves <= 8; ++waves) f(wave{.waves = waves});
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        if (waves == 1)
            return compact(detail::vee_order("wave", workers(), micro_batches, {{1, 3, 1, 3}, {1, 1, 1}, 4}));
        schedule out = detail::unit_train(micro_batches, workers(), 2 * stages, [&](int n) {
            return fold(loop(detail::maker::make(one_f_one_b{stages, n}), waves));
        });
        out.head.family = "wave";
        return out;
    }
};

}  // namespace chimera
