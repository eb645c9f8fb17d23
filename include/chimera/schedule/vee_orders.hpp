// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/modulo_block.hpp>
#include <chimera/schedule/shortest_order.hpp>
#include <chimera/schedule/vee_block.hpp>
#include <chimera/schedule/zb_v_order.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Slots up to which many orders are tried; of larger ones few are, so that the time to make one stays linear.
inline constexpr std::size_t thorough_slots = 1 << 15;
/// The same where all passes take a tick: one order is nearly always the shortest of them there.
inline constexpr std::size_t thorough_unit_slots = 512;

/// The sizes of a V-shaped order.
struct vee_problem {
    label family;
    int workers = 1;
    int micro_batches = 1;
    pass_ticks ticks{};
    int memory = 2;  ///< most live activations of a worker, in those of a half-deep stage
    bool split = true;
};

/// Slack of modulo schedules, in 24ths of the period and in quarters of a weight gradient.
struct slack_share {
    int period, forward, gradient, turn;

    [[nodiscard]] constexpr modulo_slack of(const pass_ticks& t) const noexcept {
        const int period_ticks = 2 * (t.forward + t.input_gradient + t.weight_gradient);
        return {period_ticks * period / 24, forward * t.weight_gradient / 4, gradient * t.weight_gradient / 4,
                turn * t.weight_gradient / 4};
    }
};

constexpr void consider_modulo(shortest_order& best, const vee_problem& of, const slack_share& share) {
    const std::vector<std::int32_t> placement = folded_placement(2 * of.workers, of.workers);
    const auto block = modulo_table(placement, of.workers, of.ticks, of.split, share.of(of.ticks)).make();
    if (block)
        best.consider(periodic_order(of.family, placement, of.workers, of.micro_batches, *block, of.split), 64);
}

/// Returns the block of the least memory: V-Min's.
[[nodiscard]] constexpr vee_block least_block(int workers) noexcept {
    if (workers % 3 == 0) return {{1, 1, 1, 1}, {1, 3, 1}};
    return {{1, 1, 1, 1}, {1, 1, 1}};
}

/// Returns the shortest order that is found on a V within the memory. The orders that are tried are ZB-V's, blocks of
/// the paper's kind, and modulo schedules for the ticks; which ones is what a trial of many found to be of use.
[[nodiscard]] constexpr schedule vee_within(const vee_problem& of) {
    constexpr std::array<vee_block, 6> blocks{{{{1, 1, 1, 1}, {3, 3, 3}},
                                               {{2, 1, 2, 1}, {5, 1, 4}},
                                               {{2, 1, 2, 1}, {2, 1, 1}},
                                               {{1, 2, 1, 2}, {1, 1, 2}},
                                               {{1, 2, 1, 2}, {4, 1, 5}},
                                               {{1, 3, 1, 3}, {1, 1, 1}}}};
    constexpr std::array<slack_share, 9> shares{{{8, 0, 0, 0},
                                                 {0, 4, 0, 4},
                                                 {1, 2, 0, 0},
                                                 {1, 4, 0, 4},
                                                 {8, 2, 0, 0},
                                                 {0, 0, 0, 4},
                                                 {0, 0, 0, 0},
                                                 {8, 2, 4, 0},
                                                 {8, 4, 0, 4}}};
    const bool unit = of.ticks == pass_ticks{};
    const bool whole = of.memory >= 2 * (std::min)(of.workers, of.micro_batches);
    const std::size_t slots =
        6 * static_cast<std::size_t>(of.workers) * static_cast<std::size_t>(of.micro_batches);
    const bool thorough = slots <= (unit ? thorough_unit_slots : thorough_slots);
    shortest_order best(of.ticks, of.memory, unit && whole ? 0 : 2);
    if (whole) best.consider(zb_v_order(of.family, of.workers, of.micro_batches), 64);
    if (unit && whole) return best.take();
    best.consider(vee_order(of.family, of.workers, of.micro_batches, least_block(of.workers)), 64);
    if (!unit && !thorough) consider_modulo(best, of, shares[0]);
    if (!thorough) return best.take();
    for (const vee_block& block : blocks)
        if (block.fits(of.workers)) best.consider(vee_order(of.family, of.workers, of.micro_batches, block), 64);
    for (const slack_share& share : shares) consider_modulo(best, of, share);
    return best.take();
}

}  // namespace chimera::detail
