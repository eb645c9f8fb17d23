// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

#include <algorithm>

namespace chimera {
namespace detail {

/// A pair may run together: one forward with one pass that is not, and no third.
[[nodiscard]] constexpr bool may_pair(const slot& a, const slot& b) noexcept {
    return !b.overlap && (a.op == pass::forward) != (b.op == pass::forward);
}

constexpr void check_exclusive(const schedule_view& s, report& r) {
    const slot* const all = s.entries.data();
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
            last_end = paired ? (std::max)(last_end, ends) : ends;
            paired = x.overlap;
            last_tick = x.tick;
            if (!paired) free_from = (std::max)(free_from, last_end);
        }
    }
}

/// A pair of instructions that may run together: next to each other, one forward and one other pass, and the second
/// does not need the first.
[[nodiscard]] constexpr bool may_pair(const instruction& a, const instruction& b) noexcept {
    if (!is_compute(b.op) || b.overlap || (a.op == action::forward) == (b.op == action::forward)) return false;
    const std::int64_t end_of_a = std::int64_t{a.first} + a.count, end_of_b = std::int64_t{b.first} + b.count;
    return a.stage != b.stage || end_of_a <= b.first || end_of_b <= a.first;
}

/// Returns whether any instruction says that it overlaps or names a version: few programs have either.
[[nodiscard]] constexpr bool marked(const program_view& p) noexcept {
    unsigned any = 0;
    for (const instruction *i = p.instructions.data(), *end = i + p.instructions.size(); i != end; ++i)
        any |= i->overlap | i->version;
    return any != 0;
}

constexpr void check_exclusive(const program_view& p, report& r) {
    const instruction* const all = p.instructions.data();
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        const std::int32_t begin = p.offsets[static_cast<std::size_t>(w)];
        const std::int32_t end = p.offsets[static_cast<std::size_t>(w) + 1];
        for (std::int32_t i = begin; i < end; ++i)
            if (all[i].overlap && (!is_compute(all[i].op) || i + 1 == end || !may_pair(all[i], all[i + 1])))
                r.add({.law = law::exclusive,
                       .what = complaint::bad_pair,
                       .worker = w,
                       .index = i - begin,
                       .stage = all[i].stage,
                       .unit = all[i].first,
                       .pipeline = all[i].pipeline,
                       .instruction = true});
    }
}

}  // namespace detail

namespace laws {

/// A worker computes one slot at a time: rows are sorted by tick and no two slots of a row overlap, except a forward
/// and another pass of which the first is marked `overlap`. A program has no ticks: its rows are sequences, and only
/// such pairs need a look.
[[nodiscard]] constexpr bool exclusive(schedule_argument s) {
    report r;
    return detail::sound(s, r) && (detail::check_exclusive(s, r), r.ok());
}
[[nodiscard]] constexpr bool exclusive(program_argument p) {
    report r;
    return detail::sound(p, r) && (detail::check_exclusive(p, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
