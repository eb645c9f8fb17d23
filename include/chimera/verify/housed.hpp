// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/weight_versions.hpp>

namespace chimera {
namespace detail {

/// The buffers of one worker while its row is walked.
struct house {
    std::int32_t* tenant;  ///< per buffer: the live (stage, unit) in it, -1 for none
    std::int32_t* home;    ///< per (stage, unit): its buffer while live, -1 otherwise
    std::int32_t size;     ///< buffers
    std::int32_t live = 0, peak = 0;
};

/// Returns whether buffer b fits a unit of step e, else sets `what`; moves in and out, not out if the unit `stays`.
constexpr bool settle(house& h, const entry& e, std::int32_t b, std::int32_t cell, bool stays, complaint& what) {
    what = complaint::bad_buffer;
    if (b < 0 || b >= h.size) return false;
    if (e.op == pass::forward) {
        what = complaint::buffer_busy;
        if (h.tenant[b] >= 0) return false;
        what = complaint::buffer_moved;
        if (h.home[cell] >= 0) return false;
        h.tenant[b] = cell;
        h.home[cell] = b;
        if (++h.live > h.peak) h.peak = h.live;
        return true;
    }
    what = complaint::buffer_moved;
    if (h.home[cell] != b) return false;
    if (ends_activation(e.op) && !stays) {
        h.tenant[b] = -1;
        h.home[cell] = -1;
        --h.live;
    }
    return true;
}

/// Moves the units of one step in and out; complains where `loud`.
constexpr void house_step(const program_view& p, std::int32_t w, std::int32_t i, house& h, bool stays, bool loud,
                          report& r) {
    const instruction& x = p.instructions[static_cast<std::size_t>(i)];
    const entry e = entry_of(x);
    if (!in_range(p.head, e)) return;
    const auto complain = [&](complaint what, std::int32_t unit, std::optional<std::int32_t> buffer) {
        if (!loud) return;
        r.add({.law = law::housed,
               .what = what,
               .worker = w,
               .index = i - p.offsets[static_cast<std::size_t>(w)],
               .stage = e.stage,
               .unit = unit,
               .pipeline = e.pipeline,
               .other = buffer,
               .instruction = true});
    };
    if (x.list >= 0 && static_cast<std::size_t>(x.list) + x.count > p.buffers.size())
        return complain(complaint::bad_buffer, e.first, std::nullopt);
    for (std::int32_t k = 0; k < e.count; ++k) {
        const std::int32_t b = p.buffer_of(x, k);
        complaint what{};
        if (!settle(h, e, b, e.stage * p.head.units() + e.first + k, stays, what)) complain(what, e.first + k, b);
    }
}

/// A pair may run together, so the activations of its first step stay until the second has ended.
constexpr void house_row(const program_view& p, std::int32_t w, house& h, report& r) {
    std::int32_t open = -1;
    for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
        const instruction& x = p.instructions[static_cast<std::size_t>(i)];
        if (!is_compute(x.op)) continue;
        house_step(p, w, i, h, x.overlap != 0, true, r);
        if (open >= 0) [[unlikely]]
            house_step(p, w, open, h, false, false, r);
        open = x.overlap != 0 && ends_activation(static_cast<pass>(x.op)) ? i : -1;
    }
}

/// `marked`: some instruction overlaps or names a version.
constexpr void check_housed(const program_view& p, const update_groups& groups, bool marked, report& r) {
    const auto cells = static_cast<std::size_t>(p.head.stages) * static_cast<std::size_t>(p.head.units());
    std::vector<std::int32_t> home(cells, -1), tenant;
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        const std::int32_t count = p.buffer_counts[static_cast<std::size_t>(w)];
        // More buffers than (stage, unit) pairs cannot all be used, and a file's number must not be trusted with
        // memory.
        const bool plausible = count >= 0 && static_cast<std::size_t>(count) <= cells;
        tenant.assign(plausible ? static_cast<std::size_t>(count) : 0, -1);
        house h{tenant.data(), home.data(), plausible ? count : 0};
        house_row(p, w, h, r);
        if (h.peak != count)
            r.add({.law = law::housed,
                   .what = complaint::buffer_count,
                   .worker = w,
                   .other = h.peak,
                   .instruction = true});
        for (const std::int32_t cell : tenant)
            if (cell >= 0) home[static_cast<std::size_t>(cell)] = -1;
    }
    if (p.head.update != update_rule::flushed)
        check_versions(p, groups, r);
    else if (marked || !p.version_counts.empty())
        check_no_versions(p, r);
}

}  // namespace detail

namespace laws {

/// Returns true if no two live activations of a worker share a buffer, every pass of a (stage, unit) names the buffer
/// that its forward did, and a worker has exactly as many buffers as it ever has live activations (in units). Versions
/// of weights are held to the same: a forward reads what its family says (see `weights`), the passes behind it the
/// same, no update overwrites what is still needed, the last one leaves version 0, and there are as many versions as
/// are ever live.
[[nodiscard]] constexpr bool housed(program_argument p) {
    report r;
    return detail::sound(p, r) && (detail::check_housed(p, detail::groups_of(p), true, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
