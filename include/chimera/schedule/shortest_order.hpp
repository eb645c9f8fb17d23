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

/// Returns the slots up to which a family tries many orders. Of larger ones it tries one or two, so that the time to
/// make them stays linear. If every pass takes a tick, one order is nearly always the shortest.
[[nodiscard]] constexpr std::size_t most_tried(const pass_ticks& ticks) noexcept {
    return ticks == pass_ticks{} ? 160 : std::size_t{1} << 15;
}

/// Returns the passes each way over an order of so many slots that none of many tried could be shortened further with
/// more of; beyond that size one, which leaves a few ticks on many workers.
[[nodiscard]] constexpr int rounds_for(std::size_t slots) noexcept { return slots <= 2048 ? 2 : 1; }

/// The shortest of some orders under given ticks and memory, each improved: weight gradients go into bubbles, then all
/// slots move, a pass back in time and one forwards, `rounds` times. Of equal ones the first stays.
class shortest_order {
public:
    /// `memory`: most live activations of each worker, in those of a stage.
    constexpr shortest_order(pass_ticks ticks, std::vector<std::int32_t> memory, int rounds)
        : ticks_(ticks), memory_(std::move(memory)), rounds_(rounds) {}
    constexpr shortest_order(pass_ticks ticks, int workers, int memory, int rounds)
        : shortest_order(ticks, std::vector<std::int32_t>(static_cast<std::size_t>(workers), memory), rounds) {}

    /// Takes an order in which a weight gradient stands behind its input gradient, if it runs within the memory.
    /// `window`: see justifier.
    constexpr void consider(schedule order, int window = 64) {
        set_ticks(order, ticks_);
        filler filled(order, memory_, ticks_.hop);
        if (!filled.play()) return;
        schedule base = filled.take();
        if (rounds_ == 0) return keep(std::move(base));
        justifier moved(std::move(base), memory_, ticks_.hop, window);
        keep_copy(moved.order());
        for (int i = 0; i < rounds_ && moved.play(true) && moved.play(false); ++i) keep_copy(moved.order());
    }

    /// Takes an order as it stands, each slot as early as its worker and its inputs allow. Its slots have their ticks.
    constexpr void keep_timed(schedule order) {
        const std::size_t played = play<std::int32_t>(
            order, own_ticks{}, [&](int) { return std::int32_t{ticks_.hop}; }, tick_sink{order.entries.data()});
        if (played == order.entries.size()) keep(std::move(order));
    }

    [[nodiscard]] constexpr std::int32_t ticks() const noexcept { return least_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return least_ == 0; }
    constexpr schedule take() { return std::move(best_); }

private:
    constexpr void keep(schedule order) {
        const std::int32_t length = makespan(order);
        if (least_ != 0 && length >= least_) return;
        least_ = length;
        best_ = std::move(order);
    }

    constexpr void keep_copy(const schedule& order) {
        if (least_ == 0 || makespan(order) < least_) keep(order);
    }

    pass_ticks ticks_;
    std::vector<std::int32_t> memory_;
    int rounds_;
    std::int32_t least_ = 0;  // makespan of the best order; 0: there is none
    schedule best_;
};

}  // namespace chimera::detail
