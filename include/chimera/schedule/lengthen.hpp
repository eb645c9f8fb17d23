// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace chimera::detail {

/// Returns whether the slots of a row from `at` on are those of one micro-batch's length, and the same slots follow,
/// one unit on.
[[nodiscard]] constexpr bool repeats(std::span<const slot> row, std::size_t at, std::size_t each) noexcept {
    const slot* const a = row.data() + at;
    for (std::size_t i = 0; i < each; ++i)
        if (a[i].op != a[each + i].op || a[i].stage != a[each + i].stage || a[i].first + 1 != a[each + i].first)
            return false;
    return true;
}

/// Returns the place next to the middle of a row from which it repeats itself; nothing if there is none.
[[nodiscard]] constexpr std::optional<std::size_t> find_period(std::span<const slot> row, std::size_t each) noexcept {
    if (row.size() < 2 * each) return std::nullopt;
    const std::size_t last = row.size() - 2 * each, middle = last / 2;
    for (std::size_t d = 0; d <= last - middle; ++d) {
        if (repeats(row, middle + d, each)) return middle + d;
        if (d <= middle && repeats(row, middle - d, each)) return middle - d;
    }
    return std::nullopt;
}

/// Returns the order of one pipeline with more micro-batches: every row repeats its steady state. Memory stays; ticks
/// do not, and the order may wait for itself. Returns nothing if a row has no steady state.
[[nodiscard]] constexpr std::optional<schedule> lengthened(schedule_argument order, int micro_batches) {
    const int more = micro_batches - order.head.micro_batches;
    const auto count = static_cast<std::size_t>(order.head.micro_batches);
    schedule out{order.head,
                 {order.placement.begin(), order.placement.end()},
                 {0},
                 std::vector<slot>(order.entries.size() / count * static_cast<std::size_t>(micro_batches), slot{}),
                 {order.links.begin(), order.links.end()}};
    out.head.micro_batches = micro_batches;
    slot* to = out.entries.data();
    for (int w = 0; w < order.head.workers; ++w) {
        const std::span<const slot> row = order.row(w);
        const std::size_t each = row.size() / count;
        const std::optional<std::size_t> at = find_period(row, each);
        if (!at) return std::nullopt;
        const auto add = [&](std::size_t from, std::size_t end, int units) {
            for (const slot *s = row.data() + from, *last = row.data() + end; s != last; ++s, ++to) {
                *to = *s;
                to->first += units;
            }
        };
        add(0, *at, 0);
        for (int i = 0; i <= more; ++i) add(*at, *at + each, i);
        add(*at + each, row.size(), more);
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

}  // namespace chimera::detail
