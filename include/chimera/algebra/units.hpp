// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/superpose.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// Keeps the first `micro_batches` micro-batches and drops every slot, or share of a slot, of the others.
[[nodiscard]] constexpr schedule keep_first(schedule_argument table, int micro_batches) {
    schedule out{
        table.head, {table.placement.begin(), table.placement.end()}, {}, {}, {table.links.begin(), table.links.end()}};
    out.head.micro_batches = micro_batches;
    const std::int32_t units = out.head.units();
    out.entries.reserve(table.entries.size());
    out.offsets.push_back(0);
    for (int w = 0; w < table.head.workers; ++w) {
        for (slot s : table.row(w)) {
            if (s.first >= units) continue;
            s.count = static_cast<std::uint8_t>((std::min<std::int32_t>)(s.count, units - s.first)) & 0x7f;
            out.entries.push_back(s);
        }
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }
    return out;
}

namespace detail {

/// Makes every forward cover two units; the backward of the second comes `delay` ticks after that of the first.
[[nodiscard]] constexpr schedule pair_units(schedule_argument table, shape head, int delay) {
    schedule early{table.head,
                   {},
                   {table.offsets.begin(), table.offsets.end()},
                   {table.entries.begin(), table.entries.end()},
                   {table.links.begin(), table.links.end()}};
    for (slot& s : early.entries) {
        s.first *= 2;
        if (s.op == pass::forward) s.count = 2;
    }
    schedule late{table.head, {}, {0}, {}};
    late.offsets.reserve(table.offsets.size());
    late.entries.reserve(table.entries.size());
    for (int w = 0; w < table.head.workers; ++w) {
        for (slot s : table.row(w)) {
            if (s.op == pass::forward) continue;
            s.first = 2 * s.first + 1;
            late.entries.push_back(s);
        }
        late.offsets.push_back(static_cast<std::int32_t>(late.entries.size()));
    }
    const part parts[] = {{early.view(), 0, 0, 0}, {late.view(), delay, 0, 0}};
    return superpose(head, {table.placement.begin(), table.placement.end()}, parts);
}

}  // namespace detail

/// Makes a forward cover two micro-batches, and a backward one (Chimera, section 3.5). `delay`: ticks between the two
/// backwards. Throws `chimera_error` for a collision, with its worker and tick.
[[nodiscard]] constexpr schedule double_forward(schedule_argument table, int delay) {
    shape head = table.head;
    head.micro_batches *= 2;
    return detail::pair_units(table, head, delay);
}

/// Makes a forward cover a micro-batch, and each backward half of one (Chimera, section 3.5). `delay`: ticks between
/// the halves. Throws as `double_forward` does.
[[nodiscard]] constexpr schedule halve_backward(schedule_argument table, int delay) {
    shape head = table.head;
    head.micro_batch_parts *= 2;
    return detail::pair_units(table, head, delay);
}

/// Runs the first `ramp` ticks at double pace (Chimera, Fig. 7d). Forwards of two units that start by then are split,
/// so that the next stage starts after one unit. The grid becomes twice as fine: a forward takes one tick a unit, all
/// else two. Slots must take one tick; before tick `ramp` every worker may have forwards alone, at least two ticks
/// apart.
[[nodiscard]] constexpr schedule split_start(schedule_argument table, int ramp) {
    schedule out{
        table.head, {table.placement.begin(), table.placement.end()}, {}, {}, {table.links.begin(), table.links.end()}};
    std::size_t total = table.entries.size();
    for (int w = 0; w < table.head.workers; ++w) {
        const auto row = table.row(w);
        for (const slot *s = row.data(), *last = s + row.size(); s != last && s->tick <= ramp; ++s)
            total += ramp > 0 && s->count == 2 ? 1 : 0;
    }
    out.entries = std::vector<slot>(total, slot{});
    out.offsets.reserve(table.offsets.size());
    out.offsets.push_back(0);
    slot* to = out.entries.data();
    for (int w = 0; w < table.head.workers; ++w) {
        const auto row = table.row(w);
        for (const slot *coarse = row.data(), *last = coarse + row.size(); coarse != last; ++coarse, ++to) {
            *to = *coarse;
            to->tick = (std::max)(2 * coarse->tick - ramp, coarse->tick);
            to->ticks = detail::finer_ticks(*coarse);
            if (ramp > 0 && coarse->tick <= ramp && coarse->count == 2) {
                to->ticks = to->count = 1;
                to[1] = *to;
                ++to;
                ++to->tick;
                ++to->first;
            }
        }
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

/// Returns `split_start(append(repeat(unit, k, period), rest, k · period), ramp)` at less cost: k copies of a basic
/// unit that is longer than the ramp, one every `period` ticks, and `rest` after them.
[[nodiscard]] constexpr schedule split_start(schedule_argument unit, int k, int period, schedule_argument rest,
                                             int ramp) {
    const schedule first = split_start(unit, ramp);
    shape head = unit.head;
    head.micro_batches = k * unit.head.micro_batches + rest.head.micro_batches;
    std::vector<detail::part> parts;
    parts.reserve(static_cast<std::size_t>(k) + 1);
    parts.push_back({first.view()});
    for (int i = 1; i <= k; ++i)
        parts.push_back(
            {.of = i < k ? unit : rest, .tick = 2 * i * period - ramp, .unit = i * unit.head.units(), .finer = true});
    return detail::superpose(head, {unit.placement.begin(), unit.placement.end()}, parts);
}

}  // namespace chimera
