// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// Returns the order with every full backward in two halves, the weight gradient right behind the input gradient. A
/// half takes half the ticks of the backward, rounded up: on a grid where F = B = 1 the halves become I = W = 1.
[[nodiscard]] constexpr schedule halves(schedule_argument table) {
    std::size_t backwards = 0;
    for (const slot& s : table.entries) backwards += s.op == pass::backward ? 1 : 0;
    schedule out{table.head,
                 {table.placement.begin(), table.placement.end()},
                 {},
                 std::vector<slot>(table.entries.size() + backwards, slot{}),
                 {table.links.begin(), table.links.end()}};
    out.offsets.reserve(table.offsets.size());
    out.offsets.push_back(0);
    slot* to = out.entries.data();
    for (int w = 0; w < table.head.workers; ++w) {
        for (const slot& s : table.row(w)) {
            *to = s;
            if (s.op == pass::backward) {
                to->op = pass::input_gradient;
                to->ticks = static_cast<std::uint16_t>((s.ticks + 1) / 2);
                ++to;
                *to = to[-1];
                to->op = pass::weight_gradient;
            }
            ++to;
        }
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

}  // namespace detail

/// Splits every full backward into an input gradient and, right behind it, a weight gradient, and re-times the order.
/// `fill` then moves the weight gradients into bubbles (Qi et al., Zero Bubble Pipeline Parallelism, arXiv 2401.10241).
/// Throws as `compact` does.
[[nodiscard]] constexpr schedule split_backward(schedule_argument table) { return compact(detail::halves(table)); }

}  // namespace chimera
