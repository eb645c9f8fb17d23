// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/order_writer.hpp>
#include <chimera/schedule/shortest_order.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace chimera {

namespace detail {

/// Returns the order of ZB-H1 and ZB-H2 (Qi et al., arXiv 2401.10241, section 2). Worker s runs some warm-up forwards,
/// then for each micro-batch an input gradient, a weight gradient once they lag by more than depth · s, and a forward
/// while one is left. Warm-up: depth · (D - s) forwards, one less if depth is 2. Simulated with the paper's costs, it
/// gives the paper's tables 5 and 9 to all digits. `lag`: false puts every weight gradient behind its input gradient.
[[nodiscard]] constexpr schedule zero_bubble_order(label family, int stages, int micro_batches, int depth,
                                                   bool lag = true) {
    order_writer out({family, stages, stages, 1, micro_batches, 1}, looped_placement(stages, stages),
                     3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches));
    for (int s = 0; s < stages; ++s) {
        const int warm = (std::min)(depth * (stages - s) - (depth - 1), micro_batches);
        int f = 0;
        int w = 0;
        while (f < warm) out.add(pass::forward, s, f++);
        for (int i = 0; i < micro_batches; ++i) {
            out.add(pass::input_gradient, s, i);
            if (i + 1 - w > (lag ? depth * s : 0)) out.add(pass::weight_gradient, s, w++);
            if (f < micro_batches) out.add(pass::forward, s, f++);
        }
        while (w < micro_batches) out.add(pass::weight_gradient, s, w++);
        out.end_row();
    }
    return out.take();
}

template <int Depth>
struct zero_bubble {
    int stages = 1;         ///< one a worker
    int micro_batches = 1;  ///< number of them, at least 1
    int forward_ticks = 1;  ///< of a forward that the order is made for, 0 … 10000; 0: 1
    int input_ticks = 1;    ///< of an input gradient, likewise
    int weight_ticks = 1;   ///< of a weight gradient, likewise
    int hop_ticks = 0;      ///< from a worker to the next; 0: none
    bool thorough = false;  ///< tries many orders; too much for most tables made at compile time

    static constexpr family_traits traits{.name = Depth == 1 ? "zb_h1" : "zb_h2", .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
        return refuse_ticks(*this);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr zero_bubble for_workers(int count) const noexcept { return on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }

private:
    friend struct maker;

    constexpr schedule make() const {
        const pass_ticks ticks = ticks_of(*this);
        const int memory = Depth * stages - (Depth - 1);
        const bool published = Depth == 1 || micro_batches >= memory;
        schedule plain = zero_bubble_order(traits.name, stages, micro_batches, Depth);
        set_ticks(plain, ticks);
        if (ticks.alike() && published) return compact(std::move(plain));
        const effort work = effort::of(slot_count(), false, thorough);
        shortest_order best(ticks, stages, memory, work.at_most(ticks.alike() ? 0 : 2));
        best.keep_timed(std::move(plain));
        for (int depth = 1; depth <= Depth; ++depth)
            best.consider(zero_bubble_order(traits.name, stages, micro_batches, depth, false));
        return best.take();
    }
};

}  // namespace detail

/// The schedule ZB-H1 (Qi et al., arXiv 2401.10241): the backward in two halves, at the memory of 1F1B. Peak D; F = I =
/// W = 1 tick: makespan 3N + D - 1, idle (D - 1)(F + I - W). For other ticks, where a worker would idle, it runs up to
/// D forwards before its first backward, and weight gradients wherever they fit.
using zb_h1 = detail::zero_bubble<1>;

/// The schedule ZB-H2 (Qi et al., arXiv 2401.10241): no bubble between a worker's first and last slot if F = I = W and
/// N >= 2D - 1, at nearly twice the memory.
/// For smaller N and other ticks, weight gradients run wherever the next pass is not there yet.
/// Peak 2D - 1; idle within a worker's span (D - 1)(F + I - 2W); the global makespan keeps the skew of (D - 1) F.
using zb_h2 = detail::zero_bubble<2>;

}  // namespace chimera
