// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>
#include <chimera/verify/report.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace chimera::detail {

/// The places of the passes of one (stage, unit): indices over the whole table, -1 for none.
/// `gradient` is the backward or its input-gradient half, `weight` the backward or its weight-gradient half.
struct passes {
    std::int32_t forward = -1;
    std::int32_t gradient = -1;
    std::int32_t weight = -1;
    std::int32_t recompute = -1;
};

/// Every pass by stage and unit: what the laws look things up in. Only passes that are in range, on the worker of their
/// placement and the first of their kind are entered, so whatever is found here may be followed without a check.
struct ledger {
    std::vector<passes> at;              ///< stages × units
    std::vector<std::int32_t> pipeline;  ///< per unit; -1 while no pass of it was met
};

/// One compute step of a table, whichever kind of table it is.
struct entry {
    pass op;
    std::int32_t pipeline, stage, first, count;
};

[[nodiscard]] constexpr entry entry_of(const slot& s) noexcept { return {s.op, s.pipeline, s.stage, s.first, s.count}; }
[[nodiscard]] constexpr entry entry_of(const instruction& i) noexcept {
    return {static_cast<pass>(i.op), i.pipeline, i.stage, i.first, i.count};
}
[[nodiscard]] constexpr bool computes(const slot&) noexcept { return true; }
[[nodiscard]] constexpr bool computes(const instruction& i) noexcept { return is_compute(i.op); }
[[nodiscard]] constexpr bool known(const slot& s) noexcept { return s.op <= pass::recompute; }
[[nodiscard]] constexpr bool known(const instruction& i) noexcept { return i.op <= action::update_weights; }

[[nodiscard]] constexpr std::span<const slot> items(const schedule_view& s) noexcept { return s.entries; }
[[nodiscard]] constexpr std::span<const instruction> items(const program_view& p) noexcept { return p.instructions; }
[[nodiscard]] constexpr bool is_program(const schedule_view&) noexcept { return false; }
[[nodiscard]] constexpr bool is_program(const program_view&) noexcept { return true; }

[[nodiscard]] constexpr bool covers(const shape& head, std::int32_t first, std::int32_t count) noexcept {
    return first >= 0 && count >= 1 && count <= head.units() && first <= head.units() - count;
}
[[nodiscard]] constexpr bool in_range(const shape& head, const entry& e) noexcept {
    return e.stage < head.stages && e.pipeline < head.pipelines && covers(head, e.first, e.count);
}

/// Returns whether `offsets` cuts `size` things into `parts` consecutive pieces.
[[nodiscard]] constexpr bool cuts(std::span<const std::int32_t> offsets, std::int32_t parts,
                                  std::size_t size) noexcept {
    if (offsets.size() != static_cast<std::size_t>(parts) + 1 || offsets.front() != 0) return false;
    for (std::size_t i = 1; i < offsets.size(); ++i)
        if (offsets[i] < offsets[i - 1]) return false;
    return static_cast<std::size_t>(offsets.back()) == size;
}

/// Sizes and placement: without these no row can be read. False stops verification.
template <typename View>
constexpr bool sound_shape(const View& t, report& r) {
    const shape& h = t.head;
    const bool positive = h.workers > 0 && h.stages > 0 && h.stages <= 65536 && h.pipelines > 0 &&
                          h.pipelines <= 65536 && h.micro_batches > 0 && h.micro_batch_parts > 0 &&
                          h.update <= update_rule::double_buffered &&
                          (h.update == update_rule::flushed ? h.update_every == 0 : h.update_every > 0);
    bool sound = positive && h.micro_batches <= (std::numeric_limits<std::int32_t>::max)() / h.micro_batch_parts;
    sound = sound && t.placement.size() == static_cast<std::size_t>(h.pipelines) * static_cast<std::size_t>(h.stages) &&
            cuts(t.offsets, h.workers, items(t).size());
    if (sound && !sound_links(h, t.links)) {
        r.add({.law = law::once, .what = complaint::bad_links, .instruction = is_program(t)});
        return false;
    }
    if (sound)
        for (const std::int32_t w : t.placement) sound = sound && w >= 0 && w < h.workers;
    if (!sound) {
        r.add({.law = law::once, .what = complaint::bad_shape, .instruction = is_program(t)});
        return false;
    }
    // A forward and a backward each, of at most 255 units: also keeps memory in proportion to the table read.
    const auto needed =
        (static_cast<std::int64_t>(h.stages) + static_cast<std::int64_t>(t.links.size()) / 2) * h.units();
    if (2 * needed <= static_cast<std::int64_t>(items(t).size()) * 255) return true;
    r.add({.law = law::once, .what = complaint::too_few, .instruction = is_program(t)});
    return false;
}

/// Checks the shape, and the arrays that only programs have.
constexpr bool sound(const schedule_view& s, report& r) { return sound_shape(s, r); }
constexpr bool sound(const program_view& p, report& r) {
    if (!sound_shape(p, r)) return false;
    const auto tied = static_cast<std::int32_t>(tied_links(p.links).size());
    bool members = cuts(p.member_offsets, p.head.stages + tied, p.members.size());
    for (const std::int32_t w : p.members) members = members && w >= 0 && w < p.head.workers;
    const bool housed = p.buffer_counts.size() == static_cast<std::size_t>(p.head.workers);
    const bool messages = p.messages >= 0 && static_cast<std::size_t>(p.messages) <= p.instructions.size();
    const bool versions = p.version_counts.empty() || p.version_counts.size() == p.members.size();
    if (!versions) r.add({.law = law::housed, .what = complaint::version_count, .instruction = true});
    if (!members) r.add({.law = law::synchronised, .what = complaint::bad_members, .instruction = true});
    if (!housed) r.add({.law = law::housed, .what = complaint::buffer_count, .instruction = true});
    if (!messages)
        r.add({.law = law::matched, .what = complaint::bad_message, .other = p.messages, .instruction = true});
    return members && housed && messages && versions;
}

/// The worker's row that contains index `at` is the one its placement says, so its index there needs no search.
template <typename View>
[[nodiscard]] constexpr fault fault_at(const View& t, law which, complaint what, std::int32_t at) noexcept {
    const entry e = entry_of(items(t)[static_cast<std::size_t>(at)]);
    const std::int32_t w = t.worker_of(e.pipeline, e.stage);
    return {.law = which,
            .what = what,
            .worker = w,
            .index = at - t.offsets[static_cast<std::size_t>(w)],
            .stage = e.stage,
            .unit = applying(e.first),
            .pipeline = e.pipeline,
            .instruction = is_program(t)};
}

}  // namespace chimera::detail
