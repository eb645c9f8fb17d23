// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/order_writer.hpp>

#include <cstddef>

namespace chimera::detail {

/// One worker's row of ZB-V, in the leg down (0) and the leg up (1). Every input gradient is followed by its weight
/// gradient.
struct zb_v_row {
    order_writer& out;
    int micro_batches;
    int stage[2];
    int forwards[2] = {0, 0};
    int backwards[2] = {0, 0};

    constexpr void forward(int leg) {
        if (forwards[leg] < micro_batches) out.add(pass::forward, stage[leg], forwards[leg]++);
    }
    constexpr void backward(int leg) {
        if (backwards[leg] == micro_batches) return;
        out.add(pass::input_gradient, stage[leg], backwards[leg]);
        out.add(pass::weight_gradient, stage[leg], backwards[leg]++);
    }
    /// `above`, `below`: workers before this one, and from it on.
    constexpr void write(int above, int below) {
        for (int i = 0; i < 2 * below - 1; ++i) forward(0);
        for (int i = 0; i < above; ++i) forward(1), forward(0);
        for (int i = 0; i < below; ++i) forward(1), backward(1);
        while (forwards[1] < forwards[0] || forwards[0] < micro_batches)
            forward(0), backward(0), forward(1), backward(1);
        for (int i = 0; i < above; ++i) backward(0), backward(1);
        for (int i = 0; i < below; ++i) backward(0);
        while (backwards[0] < micro_batches || backwards[1] < micro_batches) backward(0), backward(1);
        out.end_row();
    }
};

/// Returns the order of one micro-batch after the other on a V: two activations suffice.
[[nodiscard]] constexpr schedule serial_vee_order(label family, int workers, int micro_batches) {
    order_writer out({family, workers, 2 * workers, 1, micro_batches, 1}, folded_placement(2 * workers, workers),
                     6 * static_cast<std::size_t>(workers) * static_cast<std::size_t>(micro_batches));
    for (int w = 0; w < workers; ++w) {
        zb_v_row row{out, micro_batches, {w, 2 * workers - 1 - w}};
        for (int m = 0; m < micro_batches; ++m) row.forward(0), row.forward(1), row.backward(1), row.backward(0);
        out.end_row();
    }
    return out.take();
}

/// Returns the order of ZB-V before its weight gradients are moved (Qi et al., arXiv 2401.10241, section 6).
[[nodiscard]] constexpr schedule zb_v_order(label family, int workers, int micro_batches) {
    order_writer out({family, workers, 2 * workers, 1, micro_batches, 1}, folded_placement(2 * workers, workers),
                     6 * static_cast<std::size_t>(workers) * static_cast<std::size_t>(micro_batches));
    for (int w = 0; w < workers; ++w) zb_v_row{out, micro_batches, {w, 2 * workers - 1 - w}}.write(w, workers - w);
    return out.take();
}

}  // namespace chimera::detail
