// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/fill.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/order_writer.hpp>

#include <array>
#include <cstddef>

namespace chimera {

namespace detail {

/// A building block of V-shaped schedules (Qi et al., Pipeline Parallelism with Controllable Memory, arXiv 2405.15362):
/// the four passes of a micro-batch that others wait for, down, up, down and up the workers.
/// `stride`: ticks from worker to worker on each leg. `gap`: ticks at the three turns. `period`: ticks from micro-batch
/// to micro-batch, 6 if a backward comes in two halves, else 4.
struct vee_block {
    std::array<int, 4> stride;
    std::array<int, 3> gap;
    int period = 6;

    [[nodiscard]] constexpr bool split() const noexcept { return period == 6; }

    /// Returns the tick at which leg `leg` of micro-batch 0 is on worker w of `workers`.
    [[nodiscard]] constexpr int tick(int leg, int w, int workers) const noexcept {
        int at = 0;
        for (int l = 0; l < leg; ++l)
            at += stride[static_cast<std::size_t>(l)] * (workers - 1) + gap[static_cast<std::size_t>(l)];
        return at + stride[static_cast<std::size_t>(leg)] * (leg % 2 == 0 ? w : workers - 1 - w);
    }
};

/// The order of a block repeated every period, every input gradient followed by its weight gradient.
[[nodiscard]] constexpr schedule vee_order(label family, int workers, int micro_batches, const vee_block& block) {
    order_writer out({family, workers, 2 * workers, 1, micro_batches, 1}, folded_placement(2 * workers, workers),
                     static_cast<std::size_t>(block.period) * static_cast<std::size_t>(workers) *
                         static_cast<std::size_t>(micro_batches));
    for (int w = 0; w < workers; ++w) {
        std::array<int, 6> leg{-1, -1, -1, -1, -1, -1};  // what runs in each of a period's ticks
        std::array<int, 6> delay{};                      // and how many periods after the micro-batch's start
        int last = 0;
        for (int l = 0; l < 4; ++l) {
            const int t = block.tick(l, w, workers);
            leg[static_cast<std::size_t>(t % block.period)] = l;
            delay[static_cast<std::size_t>(t % block.period)] = t / block.period;
            last = (std::max)(last, t / block.period);
        }
        for (int period = 0; period < micro_batches + last; ++period) {
            for (std::size_t t = 0; t < static_cast<std::size_t>(block.period); ++t) {
                const int m = period - delay[t];
                if (leg[t] < 0 || m < 0 || m >= micro_batches) continue;
                const int stage = leg[t] == 0 || leg[t] == 3 ? w : 2 * workers - 1 - w;
                out.add(leg[t] < 2 ? pass::forward : block.split() ? pass::input_gradient : pass::backward, stage, m);
                if (leg[t] >= 2 && block.split()) out.add(pass::weight_gradient, stage, m);
            }
        }
        out.end_row();
    }
    return out.take();
}

[[nodiscard]] constexpr refusal refuse_vee(int stages, int micro_batches) noexcept {
    if (const refusal why = refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
    return stages % 2 == 0 ? refusal::none : refusal::stages_not_folded;
}

/// Returns the block of V-Half for so many workers, the shortest at its memory: a trial of all strides up to 4 and gaps
/// up to 6 found it.
[[nodiscard]] constexpr vee_block half_block(int workers) noexcept {
    if (workers == 2 || workers == 4) return {{1, 2, 2, 1}, {4, 1, 4}};
    if (workers == 3) return {{1, 1, 1, 2}, {3, 3, 1}};
    if (workers % 2 == 0) return {{1, 2, 1, 2}, {4, 1, 5}};
    return {{1, 2, 1, 2}, {1, 1, 2}};
}

}  // namespace detail

/// The schedule V-Half (Qi et al., arXiv 2405.15362): about half the memory of 1F1B, 2 ⌊(workers + 2) / 2⌋ activations
/// of a half-deep stage, at about half its bubble.
struct v_half {
    int stages = 2;
    int micro_batches = 1;

    static constexpr family_traits traits{
        .name = "v_half", .placement = placement_rule::folded, .stages_per_worker = 2, .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_vee(stages, micro_batches); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    [[nodiscard]] constexpr int memory() const noexcept { return 2 * ((workers() + 2) / 2); }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        return fill(detail::vee_order("v_half", workers(), micro_batches, detail::half_block(workers())), memory());
    }
};

/// The schedule V-Min (Qi et al., arXiv 2405.15362): about a third of the memory of 1F1B, 2 ⌊(workers + 4) / 3⌋
/// activations of a half-deep stage, at about two thirds of its bubble. If V-Half needs no more, it is V-Half.
struct v_min {
    int stages = 2;
    int micro_batches = 1;

    static constexpr family_traits traits{
        .name = "v_min", .placement = placement_rule::folded, .stages_per_worker = 2, .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_vee(stages, micro_batches); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    [[nodiscard]] constexpr int memory() const noexcept { return 2 * ((workers() + 4) / 3); }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        return fill(detail::vee_order("v_min", workers(), micro_batches, block()), memory());
    }

    [[nodiscard]] constexpr detail::vee_block block() const noexcept {
        if (memory() == v_half{stages, micro_batches}.memory()) return detail::half_block(workers());
        if (workers() % 3 == 0) return {{1, 1, 1, 1}, {3, 1, 3}};
        return {{1, 1, 1, 1}, {1, 1, 1}};
    }
};

}  // namespace chimera
