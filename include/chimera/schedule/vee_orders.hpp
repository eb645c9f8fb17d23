// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/lengthen.hpp>
#include <chimera/schedule/modulo_block.hpp>
#include <chimera/schedule/shortest_order.hpp>
#include <chimera/schedule/vee_block.hpp>
#include <chimera/schedule/zb_v_order.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace chimera::detail {

/// The sizes of a V-shaped order.
struct vee_problem {
    std::string_view family;
    int workers = 1;
    int micro_batches = 1;
    pass_ticks ticks{};
    int memory = 2;  ///< most live activations of a worker, in those of a half-deep stage
    bool split = true;
    bool thorough = false;

    [[nodiscard]] constexpr std::size_t slot_total() const noexcept {
        return (split ? 6 : 4) * static_cast<std::size_t>(workers) * static_cast<std::size_t>(micro_batches);
    }
    [[nodiscard]] constexpr bool unit() const noexcept { return ticks.alike(); }
    [[nodiscard]] constexpr effort work() const noexcept { return effort::of(slot_total(), unit(), thorough); }
};

constexpr void consider_modulo(shortest_order& best, const vee_problem& of, const slack_share& share, int window = 64) {
    auto order = modulo_order(of.family, folded_placement(2 * of.workers, of.workers), of.workers, of.micro_batches,
                              of.ticks, of.split, share);
    if (order) best.consider(*std::move(order), window);
}

/// Returns the memory of V-Min, in activations of a half-deep stage.
[[nodiscard]] constexpr int least_vee_memory(int workers) noexcept { return 2 * ((workers + 4) / 3); }

/// Returns the block of the least memory, V-Min's. Its other form for a multiple of 3 workers is better to move slots
/// in.
[[nodiscard]] constexpr vee_block least_block(int workers) noexcept {
    if (workers % 3 == 0) return {{1, 1, 1, 1}, {1, 3, 1}};
    return {{1, 1, 1, 1}, {1, 1, 1}};
}

/// Returns the block that is the shortest at its memory if weight gradients alone move: a trial of all strides up to 4
/// and gaps up to 6 found it.
[[nodiscard]] constexpr vee_block plain_block(int workers, int memory) noexcept {
    if (memory < 2 * ((workers + 2) / 2))
        return workers % 3 == 0 ? vee_block{{1, 1, 1, 1}, {3, 1, 3}} : least_block(workers);
    if (workers == 2 || workers == 4) return {{1, 2, 2, 1}, {4, 1, 4}};
    if (workers == 3) return {{1, 1, 1, 2}, {3, 3, 1}};
    if (workers % 2 == 0) return {{1, 2, 1, 2}, {4, 1, 5}};
    return {{1, 2, 1, 2}, {1, 1, 2}};
}

/// Tries what a trial of many blocks and modulo schedules found to be of use.
constexpr void consider_many(shortest_order& best, const vee_problem& of) {
    constexpr std::array<vee_block, 9> blocks{{{{2, 1, 1, 1}, {2, 3, 3}},
                                               {{2, 1, 1, 2}, {2, 3, 2}},
                                               {{1, 1, 1, 1}, {3, 3, 3}},
                                               {{1, 1, 1, 1}, {3, 5, 1}},
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
    for (const vee_block& block : blocks)
        if (block.fits(of.workers)) best.consider(vee_order(of.family, of.workers, of.micro_batches, block));
    for (const slack_share& share : shares) consider_modulo(best, of, share);
}

/// Returns an order in less memory than any block needs: one micro-batch after the other, and slots in all gaps that
/// the memory leaves.
[[nodiscard]] constexpr schedule vee_below_blocks(const vee_problem& of) {
    const effort work = of.work();
    shortest_order best(of.ticks, of.workers, of.memory,
                        effort{work.many, (std::max)(work.rounds, 1), (std::max)(work.plays, 1)});
    best.consider(serial_vee_order(of.family, of.workers, of.micro_batches));
    return best.take();
}

/// Returns the shortest order that is found on a V within the memory, among ZB-V's, blocks of the paper's kind, and
/// modulo schedules for the ticks.
[[nodiscard]] constexpr schedule vee_directly(const vee_problem& of) {
    const effort work = of.work();
    const bool whole = of.memory >= 2 * (std::min)(of.workers, of.micro_batches);
    if (!whole && of.memory < least_vee_memory(of.workers)) return vee_below_blocks(of);
    const bool moves = work.rounds > 0 && !(of.unit() && whole);  // nothing shortens ZB-V where all take a tick
    shortest_order best(of.ticks, of.workers, of.memory, work.at_most(moves ? 2 : 0));
    if (whole) best.consider(zb_v_order(of.family, of.workers, of.micro_batches));
    if (whole && (of.unit() || !work.many)) return best.take();
    best.consider(vee_order(of.family, of.workers, of.micro_batches,
                            moves ? least_block(of.workers) : plain_block(of.workers, of.memory)));
    if (work.many && of.unit())
        for (const int forward : {0, 4}) consider_modulo(best, of, {0, forward, 0, 4});
    if (work.many && of.thorough) consider_many(best, of);
    if (!work.many && moves && !of.unit()) consider_modulo(best, of, {8, 0, 0, 0});
    if (best.empty()) best.consider(vee_order(of.family, of.workers, of.micro_batches, least_block(of.workers)));
    return best.take();
}

/// Returns `vee_directly`, or of many micro-batches the order of fewer with a longer steady state: if that is as short
/// as its work asks, and where many orders are tried, the shorter of the two.
[[nodiscard]] constexpr schedule vee_within(const vee_problem& of) {
    vee_problem part = of;
    part.micro_batches = 3 * of.workers / 2 + 4;
    const bool plain = of.unit() ? of.memory >= 2 * of.workers || (of.workers > 11 && !of.thorough) : !of.thorough;
    if (plain || of.micro_batches <= part.micro_batches + of.workers / 4) return vee_directly(of);
    const schedule few = vee_directly(part);
    const int each = 2 * (of.ticks.forward + of.ticks.input_gradient + of.ticks.weight_gradient);
    shortest_order best(of.ticks, of.workers, of.memory, effort{});
    if (auto many = lengthened(few, of.micro_batches)) best.keep_timed(*std::move(many));
    const int work = makespan(few) + (of.micro_batches - part.micro_batches) * each;
    if (best.empty() || best.ticks() > work || of.work().many) best.keep(vee_directly(of));
    if (of.thorough) {
        vee_problem quick = of;
        quick.thorough = false;
        best.keep(vee_within(quick));
    }
    return best.take();
}

}  // namespace chimera::detail
