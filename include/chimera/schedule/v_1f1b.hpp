// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/vee_orders.hpp>

#include <cstddef>

namespace chimera {

/// The schedule 1F1B-V (Qi et al., Pipeline Parallelism with Controllable Memory, arXiv 2405.15362): two stages a
/// worker on a V and full backwards, at about two thirds of the memory of 1F1B: 2 ⌈(2 · workers + 1) / 3⌉ activations
/// of a half-deep stage. A backward takes the ticks of both gradients: 2 where nothing else is asked.
struct v_1f1b {
    int stages = 2;         ///< two a worker, an even number
    int micro_batches = 1;  ///< N, at least 1
    int forward_ticks = 1;  ///< of a forward that the order is made for, 0 … 10000; 0: 1
    int input_ticks = 1;    ///< of an input gradient, likewise
    int weight_ticks = 1;   ///< of a weight gradient, likewise
    int hop_ticks = 0;      ///< from a worker to the next; 0: none
    bool thorough = false;  ///< tries many orders; too much for most tables made at compile time

    static constexpr family_traits traits{
        .name = "v_1f1b", .placement = placement_rule::folded, .stages_per_worker = 2};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 2); why != refusal::none) return why;
        if (stages % 2 != 0) return refusal::stages_not_folded;
        return detail::refuse_ticks(*this);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr v_1f1b for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Returns the most activations of a half-deep stage that a worker holds.
    [[nodiscard]] constexpr int memory() const noexcept { return 2 * ((2 * workers() + 3) / 3); }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        const detail::vee_problem of{traits.name, workers(), micro_batches, detail::ticks_of(*this),
                                     memory(),    false,     thorough};
        const detail::effort work = of.work();
        const bool many = work.many && thorough, few = slot_count() <= 768;
        detail::shortest_order best(of.ticks, of.workers, of.memory,
                                    many ? work : work.at_most(slot_count() <= 160 ? 2 : 1));
        detail::vee_problem alike = of;  // as if every pass took a tick: its peak stays, whatever the ticks
        alike.ticks = {};
        consider_modulo(best, alike, {0, 0, 0, 0}, 8);
        if (many || few) consider_modulo(best, of, {8, 0, 0, 4});
        if (many) {
            for (const int window : {8, 64})
                for (const detail::slack_share& share : {detail::slack_share{8, 0, 0, 4}, {0, 0, 0, 4}, {0, 4, 0, 4}})
                    consider_modulo(best, alike, share, window);
            consider_modulo(best, of, {8, 0, 0, 4}, 8);
            consider_modulo(best, alike, {0, 0, 0, 0});
            for (const int period : {8, 4, 1, 0}) consider_modulo(best, of, {period, 0, 0, period == 8 ? 4 : 0});
            for (const int turn : {1, 3}) {
                const detail::vee_block block{{1, 1, 1, 1}, {turn, 4 - turn, turn}, 4};
                if (block.fits(of.workers))
                    best.consider(detail::vee_order(of.family, of.workers, of.micro_batches, block), 8);
            }
        }
        // A longer period holds fewer activations; with one as long as a micro-batch takes, it is one micro-batch's.
        for (int period = 16; best.empty(); period *= 2) consider_modulo(best, of, {period, 0, 0, 0});
        if (thorough) {
            v_1f1b quick = *this;
            quick.thorough = false;
            best.keep(quick.make());
        }
        return best.take();
    }
};

}  // namespace chimera
