// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/fill.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/order_writer.hpp>
#include <chimera/schedule/vee.hpp>

#include <cstddef>

namespace chimera {

/// The schedule ZB-V (Qi et al., arXiv 2401.10241, section 6; 2405.15362): two stages a worker on a V, at the memory of
/// 1F1B: 2 · workers activations of a (half-deep) stage. F = I = W = 1 tick: makespan 6N + workers - 1 for N >=
/// workers, and for N >= 2 · workers - 1 no bubble between a worker's first and last slot.
struct zb_v {
    int stages = 2;
    int micro_batches = 1;

    static constexpr family_traits traits{
        .name = "zb_v", .placement = placement_rule::folded, .stages_per_worker = 2, .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_vee(stages, micro_batches); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        detail::order_writer out({"zb_v", workers(), stages, 1, micro_batches, 1},
                                 detail::folded_placement(stages, workers()), slot_count());
        for (int w = 0; w < workers(); ++w) row{*this, out, {w, stages - 1 - w}}.write(w, workers() - w);
        return fill(out.take(), stages);
    }

    /// One worker's row, in the leg down (0) and the leg up (1). `fill` places the weight gradients.
    struct row {
        const zb_v& of;
        detail::order_writer& out;
        int stage[2];
        int forwards[2] = {0, 0};
        int backwards[2] = {0, 0};

        constexpr void forward(int leg) {
            if (forwards[leg] < of.micro_batches) out.add(pass::forward, stage[leg], forwards[leg]++);
        }
        constexpr void backward(int leg) {
            if (backwards[leg] == of.micro_batches) return;
            out.add(pass::input_gradient, stage[leg], backwards[leg]);
            out.add(pass::weight_gradient, stage[leg], backwards[leg]++);
        }
        /// `above`, `below`: workers before this one, and from it on.
        constexpr void write(int above, int below) {
            for (int i = 0; i < 2 * below - 1; ++i) forward(0);
            for (int i = 0; i < above; ++i) forward(1), forward(0);
            for (int i = 0; i < below; ++i) forward(1), backward(1);
            while (forwards[1] < forwards[0] || forwards[0] < of.micro_batches)
                forward(0), backward(0), forward(1), backward(1);
            for (int i = 0; i < above; ++i) backward(0), backward(1);
            for (int i = 0; i < below; ++i) backward(0);
            while (backwards[0] < of.micro_batches || backwards[1] < of.micro_batches) backward(0), backward(1);
            out.end_row();
        }
    };
};

}  // namespace chimera
