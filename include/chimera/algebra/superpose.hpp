// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera::detail {

/// A schedule to be laid into another one, moved in time and renumbered, and over the workers.
struct part {
    schedule_view of;
    std::int32_t tick = 0;
    std::int32_t unit = 0;
    std::int32_t pipeline = 0;
    std::int32_t rotated = 0;  ///< 0 … workers - 1: every row moves that many workers on
    bool mirrored = false;     ///< then from worker w to workers - 1 - w
    bool finer = false;        ///< onto a grid twice as fine: a forward takes one tick a unit, all else two

    [[nodiscard]] constexpr std::span<const slot> row(std::int32_t w) const noexcept {
        const std::int32_t from = (mirrored ? of.head.workers - 1 - w : w) - rotated;
        return of.row(from < 0 ? from + of.head.workers : from);
    }
    [[nodiscard]] constexpr std::int32_t worker_of(std::int32_t w) const noexcept {
        const std::int32_t to = (w + rotated) % of.head.workers;
        return mirrored ? of.head.workers - 1 - to : to;
    }
    [[nodiscard]] constexpr std::int32_t tick_of(const slot& s) const noexcept {
        return (finer ? 2 * s.tick : s.tick) + tick;
    }
};

/// Returns the ticks of a slot on the finer grid.
[[nodiscard]] constexpr std::uint16_t finer_ticks(const slot& s) noexcept {
    return s.op == pass::forward ? std::uint16_t{s.count} : std::uint16_t{2};
}

// Not constexpr: in constant evaluation the call itself is the diagnosis.
[[noreturn]] inline void collision(int worker, int tick) {
    refuse("two slots at tick " + std::to_string(tick) + " of worker " + std::to_string(worker) +
           " (the pipelines laid over each other collide) move or shorten one of them");
}

[[nodiscard]] constexpr std::int32_t row_end(std::span<const part> parts, int w) noexcept {
    std::int32_t end = 0;
    for (const part& p : parts) {
        const auto row = p.row(w);
        if (row.empty()) continue;
        end = (std::max)(end, p.tick_of(row.back()) + (p.finer ? finer_ticks(row.back()) : row.back().ticks));
    }
    return end;
}

// The loops below run on raw pointers and call nothing: in constant evaluation a call costs GCC 12 more than the work.

/// Puts row w of every part on one tick grid and numbers its slots from 1. Throws `chimera_error` for two on one tick.
constexpr void mark_row(std::span<const part> parts, int w, std::int32_t* grid) {
    std::int32_t number = 0;
    for (const part& p : parts) {
        const auto row = p.row(w);
        const std::int32_t shift = p.tick;
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) {
            std::int32_t t = (p.finer ? 2 * s->tick : s->tick) + shift;
            if (grid[t] != 0) collision(w, t);
            grid[t] = ++number;
            const std::int32_t ticks = p.finer ? finer_ticks(*s) : s->ticks;
            if (ticks == 1) continue;
            for (const std::int32_t end = t + ticks; ++t < end;) {
                if (grid[t] != 0) collision(w, t);
                grid[t] = -1;
            }
        }
    }
}

/// Copies row w of every part to the place in `to` that `rank` gives it.
constexpr void place_row(std::span<const part> parts, int w, const std::int32_t* rank, slot* to) {
    for (const part& p : parts) {
        const auto row = p.row(w);
        const std::int32_t tick = p.tick;
        const std::int32_t unit = p.unit;
        const std::int32_t pipeline = p.pipeline;
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) {
            slot* const at = to + *++rank;
            *at = *s;
            if (p.finer) {
                at->ticks = finer_ticks(*s);
                at->tick += s->tick;
            }
            at->tick += tick;
            at->first += unit;
            if (pipeline != 0) at->pipeline = static_cast<std::uint16_t>(at->pipeline + pipeline);
        }
    }
}

/// Sorts row w by buckets on the tick grid, for parts in any position to each other. `rank` and `grid`: scratch arrays
/// of `ticks` + 1.
constexpr void sort_row(std::span<const part> parts, int w, std::int32_t ticks, std::int32_t* grid, std::int32_t* rank,
                        slot* to) {
    mark_row(parts, w, grid);
    std::int32_t next = 0;
    for (std::int32_t *c = grid, *last = c + ticks; c != last; ++c) {
        if (*c > 0) rank[*c] = next++;
        *c = 0;
    }
    place_row(parts, w, rank, to);
}

/// Returns true if in row w no part reaches into the one after the next. Merging neighbours then sorts the row.
[[nodiscard]] constexpr bool only_neighbours_meet(std::span<const part> parts, int w) noexcept {
    for (std::size_t i = 2; i < parts.size(); ++i) {
        const part& earlier = parts[i - 2];
        const auto before = earlier.row(w);
        const auto row = parts[i].row(w);
        if (before.empty() || parts[i - 1].row(w).empty() || row.empty()) return false;
        const slot& last = before.back();
        const std::int32_t end = earlier.tick_of(last) + (earlier.finer ? finer_ticks(last) : last.ticks);
        if (parts[i].tick_of(row.front()) < end) return false;
    }
    return true;
}

/// A part's row on its way into a merge.
struct run {
    const slot* at = nullptr;
    const slot* end = nullptr;
    std::int32_t tick = 0;
    std::int32_t unit = 0;
    std::int32_t pipeline = 0;
    std::int32_t pace = 1;  // 2 on the finer grid
};

[[nodiscard]] constexpr run run_of(std::span<const part> parts, std::size_t i, int w) noexcept {
    if (i >= parts.size()) return {};
    const part& p = parts[i];
    const auto row = p.row(w);
    return {row.data(), row.data() + row.size(), p.tick, p.unit, p.pipeline, p.finer ? 2 : 1};
}

/// Copies slots of a run while they start before tick `until`.
constexpr slot* copy_run(run& r, std::int32_t until, int w, std::int32_t& free_from, slot* to) {
    const slot* s = r.at;
    std::int32_t free = free_from;
    for (; s != r.end; ++s, ++to) {
        const std::int32_t tick = s->tick * r.pace + r.tick;
        if (tick >= until) break;
        if (tick < free) collision(w, tick);
        *to = *s;
        to->tick = tick;
        to->first += r.unit;
        if (r.pipeline != 0) to->pipeline = static_cast<std::uint16_t>(to->pipeline + r.pipeline);
        if (r.pace != 1) to->ticks = finer_ticks(*s);
        free = tick + to->ticks;
    }
    r.at = s;
    free_from = free;
    return to;
}

/// Merges each part of row w with the next one. Throws `chimera_error` if slots overlap.
constexpr void merge_row(std::span<const part> parts, int w, slot* to) {
    constexpr std::int32_t never = 0x7fffffff;
    run a = run_of(parts, 0, w);
    run b = run_of(parts, 1, w);
    std::size_t next = 2;
    std::int32_t free_from = 0;
    for (;;) {
        if (b.at == b.end) {
            to = copy_run(a, never, w, free_from, to);
            if (next > parts.size()) return;
            b = run_of(parts, next++, w);
        } else if (a.at == a.end) {
            a = b;
            b = run_of(parts, next++, w);
        } else {
            to = copy_run(a, b.at->tick * b.pace + b.tick + 1, w, free_from, to);  // at a tie it collides
            if (a.at != a.end) to = copy_run(b, a.at->tick * a.pace + a.tick, w, free_from, to);
        }
    }
}

/// Lays the parts over the same workers. Linear in slots plus ticks.
[[nodiscard]] constexpr schedule superpose(const shape& head, std::vector<std::int32_t> placement,
                                           std::span<const part> parts) {
    std::size_t total = 0;
    for (const part& p : parts) total += p.of.entries.size();
    schedule out{head, std::move(placement), {}, {}, {}};
    if (!parts.empty()) out.links.assign(parts.front().of.links.begin(), parts.front().of.links.end());
    out.entries.reserve(total);
    out.offsets.reserve(static_cast<std::size_t>(head.workers) + 1);
    out.offsets.push_back(0);
    std::vector<std::int32_t> grid;
    std::vector<std::int32_t> rank;
    for (int w = 0; w < head.workers; ++w) {
        std::size_t size = out.entries.size();
        slot* const to = out.entries.data() + size;
        for (const part& p : parts) size += p.row(w).size();
        out.entries.resize(size);  // row by row: what is written next is in the cache
        if (only_neighbours_meet(parts, w)) {
            merge_row(parts, w, to);
        } else {
            const std::int32_t ticks = row_end(parts, w);
            if (grid.size() <= static_cast<std::size_t>(ticks)) {
                grid.resize(static_cast<std::size_t>(ticks) + 1, 0);
                rank.resize(static_cast<std::size_t>(ticks) + 1, 0);
            }
            sort_row(parts, w, ticks, grid.data(), rank.data(), to);
        }
        out.offsets.push_back(static_cast<std::int32_t>(size));
    }
    return out;
}

}  // namespace chimera::detail
