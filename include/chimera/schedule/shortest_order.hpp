// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/filler.hpp>
#include <chimera/algebra/inserter.hpp>
#include <chimera/algebra/justifier.hpp>
#include <chimera/core/query.hpp>
#include <chimera/core/random.hpp>
#include <chimera/schedule/pass_ticks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// How much a family tries for a short order. The time of both is linear in the slots of large orders.
struct effort {
    bool many = false;  ///< tries many orders, not one or two
    int rounds = 0;     ///< passes each way over each of them
    int plays = 0;      ///< of the best one under other ticks; above 0, slots are put into gaps, too

    /// `asked`: the option `thorough`. Without it, a constant evaluation stays within GCC's own limit of operations.
    [[nodiscard]] static constexpr effort of(std::size_t count, bool unit, bool asked) noexcept {
        if (asked && count <= 8192) return {true, 4, static_cast<int>((std::min)(std::size_t{48}, 98304 / count))};
        if (asked && count <= 32768) return {false, 1};
        if (unit && count <= 160) return {true, 4};
        return {false, count <= (unit ? 1536U : 192U) ? 2 : count <= 768 ? 1 : 0};
    }

    /// Returns the same with fewer passes each way; with none, orders are left as they are.
    [[nodiscard]] constexpr effort at_most(int passes) const noexcept {
        const int left = (std::min)(rounds, passes);
        return {many, left, left == 0 ? 0 : plays};
    }
};

/// The shortest of some orders under given ticks and memory, each improved: weight gradients go into bubbles, then all
/// slots move, a pass back in time and one forwards, as often as `effort` says. Of equal ones the first stays.
class shortest_order {
public:
    /// `memory`: most live activations of each worker, in those of a stage.
    constexpr shortest_order(pass_ticks ticks, std::vector<std::int32_t> memory, effort work)
        : ticks_(ticks), memory_(std::move(memory)), rounds_(work.rounds), plays_(work.plays) {}
    constexpr shortest_order(pass_ticks ticks, int workers, int memory, effort work)
        : shortest_order(ticks, std::vector<std::int32_t>(static_cast<std::size_t>(workers), memory), work) {}

    /// Takes an order in which a weight gradient stands behind its input gradient, or one of full backwards, if it runs
    /// within the memory. `window`: see justifier.
    constexpr void consider(schedule order, int window = 64) {
        set_ticks(order, ticks_);
        if (order.entries.back().op == pass::backward) {
            if (!fits(order) || !start_early(order, ticks_.hop)) return;
        } else {
            filler filled(order, memory_, ticks_.hop);
            if (!filled.play()) return;
            order = filled.take();
        }
        if (rounds_ == 0) return keep(std::move(order));
        if (plays_ > 0) keep(in_gaps(order));
        justifier moved(std::move(order), memory_, ticks_.hop, window);
        keep_copy(moved.order());
        for (int i = 0; i < rounds_ && moved.play(true) && moved.play(false); ++i) keep_copy(moved.order());
    }

    /// Sets the passes each way over the orders that follow.
    constexpr void move_slots(int rounds) noexcept { rounds_ = rounds; }

    /// Takes an order as it stands, each slot as early as its worker and its inputs allow. Its slots have their ticks.
    constexpr void keep_timed(schedule order) {
        if (start_early(order, ticks_.hop)) keep(std::move(order));
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
    constexpr schedule take() {
        if (!empty()) vary_ticks();
        return std::move(best_);
    }

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
    [[nodiscard]] static constexpr bool start_early(schedule& order, std::int32_t travel) {
        const auto hop = [travel](int) { return travel; };
        return play<std::int32_t>(order, own_ticks{}, hop, tick_sink{order.entries.data()}) == order.entries.size();
    }

    /// Returns the shortest that a played order becomes if its slots are put into gaps: early, and some times late and
    /// early again.
    [[nodiscard]] constexpr schedule in_gaps(schedule order) const {
        inserter placed(std::move(order), memory_, ticks_.hop);
        placed.play(false);
        schedule out = placed.order();
        for (int i = 0; i < rounds_; ++i) {
            placed.play(true);
            placed.play(false);
            if (makespan(placed.order()) < makespan(out)) out = placed.order();
        }
        return out;
    }

    /// Shortens the best order: plays it under ticks drawn around the real ones, puts its slots into the gaps that it
    /// has then, and into those that it has under the real ticks. Goes on from what is not longer.
    constexpr void vary_ticks() {
        draw random(1);
        schedule now;
        if (plays_ > 0) now = best_;
        for (std::int32_t length = least_; plays_ > 0; --plays_) {
            schedule other = now;
            const pass_ticks drawn = ticks_near(random);
            change_ticks(other, drawn);
            if (!start_early(other, drawn.hop)) continue;
            inserter placed(std::move(other), memory_, drawn.hop);
            if (random.index(2) == 0) placed.play(false);
            placed.play(true);
            if (random.index(2) == 0) placed.play(false);
            other = placed.order();
            change_ticks(other, ticks_);
            if (!start_early(other, ticks_.hop)) continue;
            other = in_gaps(std::move(other));
            if (makespan(other) > length) continue;
            length = makespan(other);
            keep_copy(other);
            now = std::move(other);
        }
    }

    /// Draws half to twice the ticks of each pass, on a grid fine enough for it, and a hop of up to four times its own.
    [[nodiscard]] constexpr pass_ticks ticks_near(draw& random) const {
        const int longest = (std::max)({ticks_.forward, ticks_.input_gradient, ticks_.weight_gradient});
        const int grid = (std::max)(1, 64 / longest);
        const auto around = [&](int ticks) { return (std::max)(1, ticks * grid * (50 + random.index(150)) / 100); };
        pass_ticks out{around(ticks_.forward), around(ticks_.input_gradient), around(ticks_.weight_gradient),
                       ticks_.hop * grid * random.index(400) / 100};
        if (random.index(4) == 0) out.hop += random.index(ticks_.forward * grid / 2 + 1);
        return out;
    }

    constexpr void keep_copy(const schedule& order) {
        if (least_ == 0 || makespan(order) < least_) keep(order);
    }

    pass_ticks ticks_;
    std::vector<std::int32_t> memory_;
    int rounds_;
    int plays_;
    std::int32_t least_ = 0;  // makespan of the best order; 0: there is none
    schedule best_;
};

}  // namespace chimera::detail
