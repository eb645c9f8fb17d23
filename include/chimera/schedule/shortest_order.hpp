// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/filler.hpp>
#include <chimera/algebra/justifier.hpp>
#include <chimera/core/query.hpp>
#include <chimera/schedule/pass_ticks.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// The shortest of some orders under given ticks and memory, each improved: weight gradients go into bubbles, then all
/// slots move, a pass back in time and one forwards, `rounds` times. Of equal ones the first stays.
class shortest_order {
public:
    /// `memory`: most live activations of a worker, in those of a stage.
    constexpr shortest_order(pass_ticks ticks, int memory, int rounds)
        : ticks_(ticks), memory_(memory), rounds_(rounds) {}

    /// Takes an order in which a weight gradient stands behind its input gradient, if it runs within the memory.
    constexpr void consider(schedule order, int window = 16) {
        set_ticks(order, ticks_);
        std::vector<std::int32_t> limits(static_cast<std::size_t>(order.head.workers), memory_);
        filler filled(order, limits, ticks_.hop);
        if (!filled.play()) return;
        justifier moved(filled.take(), std::move(limits), ticks_.hop, window);
        keep(moved.order());
        for (int i = 0; i < rounds_ && moved.play(true) && moved.play(false); ++i) keep(moved.order());
    }

    /// Takes an order as it stands, each slot as early as its worker and its inputs allow.
    constexpr void keep_timed(schedule order) {
        set_ticks(order, ticks_);
        const std::size_t played = play<std::int32_t>(
            order, own_ticks{}, [&](int) { return std::int32_t{ticks_.hop}; }, tick_sink{order.entries.data()});
        if (played == order.entries.size()) keep(order);
    }

    [[nodiscard]] constexpr std::int32_t ticks() const noexcept { return least_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return least_ == 0; }
    constexpr schedule take() { return std::move(best_); }

private:
    constexpr void keep(const schedule& order) {
        const std::int32_t length = makespan(order);
        if (least_ != 0 && length >= least_) return;
        least_ = length;
        best_ = order;
    }

    pass_ticks ticks_;
    int memory_;
    int rounds_;
    std::int32_t least_ = 0;  // makespan of the best order; 0: there is none
    schedule best_;
};

}  // namespace chimera::detail
