// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

#include <algorithm>

namespace chimera {
namespace detail {

/// A pair may run together: one forward with one pass that is not, and no third.
constexpr bool may_pair(const slot& a, const slot& b) {
    return !b.overlap && (a.op == pass::forward) != (b.op == pass::forward);
}

constexpr void check_exclusive(const schedule_view& s, report& r) {
    const slot* const all = s.slots.data();
    for (std::int32_t w = 0; w < s.head.workers; ++w) {
        const std::int32_t begin = s.offsets[static_cast<std::size_t>(w)];
        const std::int32_t end = s.offsets[static_cast<std::size_t>(w) + 1];
        std::int64_t free_from = 0;  // when everything before the slot, its partner aside, has ended
        std::int64_t last_end = 0;
        std::int32_t last_tick = 0;
        bool paired = false;
        for (std::int32_t i = begin; i < end; ++i) {
            const slot& x = all[i];
            if (!paired && !x.overlap && x.ticks > 0 && x.tick >= free_from && x.tick >= 0) {
                free_from = std::int64_t{x.tick} + x.ticks;
                last_tick = x.tick;
                continue;
            }
            const auto complain = [&](complaint what, std::int32_t other = -1) {
                r.add({.law = law::exclusive,
                       .what = what,
                       .worker = w,
                       .index = i - begin,
                       .stage = x.stage,
                       .unit = x.first,
                       .pipeline = x.pipeline,
                       .other = other});
            };
            if (x.ticks == 0 || x.tick < 0) complain(complaint::no_length, x.tick);
            if (x.tick < last_tick)
                complain(complaint::unsorted, i - begin - 1);
            else if (x.tick < free_from)
                complain(complaint::collision, i - begin - 1);
            if (x.overlap && (i + 1 == end || !may_pair(x, all[i + 1]))) complain(complaint::bad_pair);
            const std::int64_t ends = std::int64_t{x.tick} + x.ticks;
            last_end = paired ? std::max(last_end, ends) : ends;
            paired = x.overlap;
            last_tick = x.tick;
            if (!paired) free_from = std::max(free_from, last_end);
        }
    }
}

}  // namespace detail

namespace laws {

/// A worker computes one slot at a time: rows are sorted by tick and no two slots of a row overlap, except a forward
/// and another pass of which the first is marked `overlap`. A program has no ticks: its rows are sequences, so this
/// holds.
constexpr bool exclusive(schedule_view s) {
    report r;
    return detail::sound(s, r) && (detail::check_exclusive(s, r), r.ok());
}
constexpr bool exclusive(program_view) { return true; }

}  // namespace laws
}  // namespace chimera
