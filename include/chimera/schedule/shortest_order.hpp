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

/// How much a family tries for a short order. The time of both is linear in the slots of large orders.
struct effort {
    bool many = false;  ///< tries many orders, not one or two
    int rounds = 0;     ///< passes each way over each of them

    /// `asked`: the option `thorough`. Without it, a constant evaluation stays within GCC's own limit of operations.
    [[nodiscard]] static constexpr effort of(std::size_t count, bool unit, bool asked) noexcept {
        if (asked && count <= 8192) return {true, 4};
        if (asked && count <= 32768) return {false, 1};
        if (unit && count <= 160) return {true, 4};
        return {false, count <= (unit ? 1536U : 192U) ? 2 : count <= 768 ? 1 : 0};
    }
};

/// The shortest of some orders under given ticks and memory, each improved: weight gradients go into bubbles, then all
/// slots move, a pass back in time and one forwards, `rounds` times. Of equal ones the first stays.
class shortest_order {
public:
    /// `memory`: most live activations of each worker, in those of a stage.
    constexpr shortest_order(pass_ticks ticks, std::vector<std::int32_t> memory, int rounds)
        : ticks_(ticks), memory_(std::move(memory)), rounds_(rounds) {}
    constexpr shortest_order(pass_ticks ticks, int workers, int memory, int rounds)
        : shortest_order(ticks, std::vector<std::int32_t>(static_cast<std::size_t>(workers), memory), rounds) {}

    /// Takes an order in which a weight gradient stands behind its input gradient, or one of full backwards, if it runs
    /// within the memory. `window`: see justifier.
    constexpr void consider(schedule order, int window = 64) {
        set_ticks(order, ticks_);
        if (order.entries.back().op == pass::backward) {
            if (!fits(order) || !start_early(order)) return;
        } else {
            filler filled(order, memory_, ticks_.hop);
            if (!filled.play()) return;
            order = filled.take();
        }
        if (rounds_ == 0) return keep(std::move(order));
        justifier moved(std::move(order), memory_, ticks_.hop, window);
        keep_copy(moved.order());
        for (int i = 0; i < rounds_ && moved.play(true) && moved.play(false); ++i) keep_copy(moved.order());
    }

    /// Sets the passes each way over the orders that follow.
    constexpr void move_slots(int rounds) noexcept { rounds_ = rounds; }

    /// Takes an order as it stands, each slot as early as its worker and its inputs allow. Its slots have their ticks.
    constexpr void keep_timed(schedule order) {
        if (start_early(order)) keep(std::move(order));
    }

    /// Takes a schedule as it is.
    constexpr void keep(schedule order) {
        const std::int32_t length = makespan(order);
        if (least_ != 0 && length >= least_) return;
        least_ = length;
        best_ = std::move(order);
    }

    [[nodiscard]] constexpr std::int32_t ticks() const noexcept { return least_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return least_ == 0; }
    constexpr schedule take() { return std::move(best_); }

private:
    /// Returns whether full backwards keep each worker's live activations within its memory.
    [[nodiscard]] constexpr bool fits(schedule_argument order) const noexcept {
        for (int w = 0; w < order.head.workers; ++w) {
            std::int32_t live = 0;
            const std::int32_t most = memory_[static_cast<std::size_t>(w)];
            for (const slot& s : order.row(w)) {
                live += s.op == pass::forward ? 1 : -1;
                if (live > most) return false;
            }
        }
        return true;
    }

    /// Starts each slot as soon as its worker and its inputs allow; returns false if the order waits for itself.
    [[nodiscard]] constexpr bool start_early(schedule& order) const {
        const auto hop = [this](int) { return std::int32_t{ticks_.hop}; };
        return play<std::int32_t>(order, own_ticks{}, hop, tick_sink{order.entries.data()}) == order.entries.size();
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
