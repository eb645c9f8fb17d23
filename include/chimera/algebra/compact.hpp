// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/timing/retime.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

/// The ticks of a slot as it says; of a pair, those of the longer of the two.
struct own_ticks {
    constexpr std::int32_t operator()(const slot& s) const { return s.ticks; }
    constexpr std::int32_t operator()(const slot& a, const slot& b) const {
        return a.ticks < b.ticks ? b.ticks : a.ticks;
    }
};

/// A sink that writes ticks into slots.
struct tick_sink {
    slot* slot_list;
    constexpr void operator()(std::size_t i, const slot&, std::int32_t begin, std::int32_t) const {
        slot_list[i].tick = begin;
    }
    [[gnu::always_inline]] void expect(std::size_t i) const { detail::expect(slot_list + i); }
};

}  // namespace detail

/// Returns the order with new times: every slot starts at the first tick that its worker and its inputs allow. Rows
/// keep their order. A pair starts when both can, and takes as long as the longer of the two.
/// Throws `chimera_error` if rows wait for each other.
[[nodiscard]] constexpr schedule compact(schedule table) {
    const std::size_t played = detail::play<std::int32_t>(
        table, detail::own_ticks{}, [](int) { return std::int32_t{0}; }, detail::tick_sink{table.entries.data()});
    if (played != table.entries.size())
        refuse("the order cannot run (workers wait for each other) verify it to see which slot waits");
    return table;
}

/// Puts a recompute slot before every backward of the chosen stages and re-times the order.
/// `stages`: one flag per stage, other than 0 where activations are recomputed. Throws as `compact` does.
[[nodiscard]] constexpr schedule recompute(schedule_argument table, std::span<const std::uint8_t> stages) {
    schedule out{
        table.head, {table.placement.begin(), table.placement.end()}, {}, {}, {table.links.begin(), table.links.end()}};
    out.offsets.push_back(0);
    out.entries.reserve(table.entries.size() + table.entries.size() / 2);
    for (int w = 0; w < table.head.workers; ++w) {
        const auto row = table.row(w);
        for (std::size_t i = 0; i < row.size(); ++i) {
            // A pair stays one: what its backward recomputes comes before it.
            const bool first = row[i].overlap == 1;
            const bool second = i > 0 && row[i - 1].overlap == 1;
            const slot& s = first ? row[i + 1] : row[i];
            if (!second && sends_gradient(s.op) && stages[s.stage] != 0) {
                slot again = s;
                again.op = pass::recompute;
                if (first) again.ticks = 1;
                out.entries.push_back(again);
            }
            out.entries.push_back(row[i]);
        }
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }
    return compact(std::move(out));
}

}  // namespace chimera
