// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera::detail {

/// A schedule to be laid into another one, moved in time and renumbered.
struct part {
    schedule_view of;
    std::int32_t tick = 0;
    std::int32_t unit = 0;
    std::int32_t pipeline = 0;
};

// Not constexpr: in constant evaluation the call itself is the diagnosis.
[[noreturn]] inline void collision(int worker, int tick) {
    refuse("two slots at tick " + std::to_string(tick) + " of worker " + std::to_string(worker) +
           " (the pipelines laid over each other collide) move or shorten one of them");
}

constexpr std::int32_t row_end(std::span<const part> parts, int w) {
    std::int32_t end = 0;
    for (const part& p : parts) {
        const auto row = p.of.row(w);
        if (!row.empty()) end = std::max(end, row.back().end() + p.tick);
    }
    return end;
}

// The loops below run on raw pointers and call nothing: in constant evaluation a call costs GCC 12 more than the work.

/// Puts row w of every part on one tick grid, numbering its slots from 1; refuses two slots on one tick.
constexpr void mark_row(std::span<const part> parts, int w, std::int32_t* grid) {
    std::int32_t number = 0;
    for (const part& p : parts) {
        const auto row = p.of.row(w);
        const std::int32_t shift = p.tick;
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) {
            std::int32_t t = s->tick + shift;
            if (grid[t] != 0) collision(w, t);
            grid[t] = ++number;
            if (s->ticks == 1) continue;
            for (const std::int32_t end = t + s->ticks; ++t < end;) {
                if (grid[t] != 0) collision(w, t);
                grid[t] = -1;
            }
        }
    }
}

/// Copies row w of every part to the place in `to` that `rank` gives it.
constexpr void place_row(std::span<const part> parts, int w, const std::int32_t* rank, slot* to) {
    for (const part& p : parts) {
        const auto row = p.of.row(w);
        const std::int32_t tick = p.tick;
        const std::int32_t unit = p.unit;
        const std::int32_t pipeline = p.pipeline;
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) {
            slot* const at = to + *++rank;
            *at = *s;
            at->tick += tick;
            at->first += unit;
            if (pipeline != 0) at->pipeline = static_cast<std::uint16_t>(at->pipeline + pipeline);
        }
    }
}

/// Row w by bucket sort on the tick grid, for parts in any position to each other. `rank` and `grid`: scratch of `ticks` + 1.
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

/// True when in row w no part reaches into the one after the next: then merging neighbours sorts the row.
constexpr bool only_neighbours_meet(std::span<const part> parts, int w) {
    for (std::size_t i = 2; i < parts.size(); ++i) {
        const auto before = parts[i - 2].of.row(w);
        const auto between = parts[i - 1].of.row(w);
        const auto row = parts[i].of.row(w);
        if (before.empty() || between.empty() || row.empty()) return false;
        if (row.front().tick + parts[i].tick < before.back().end() + parts[i - 2].tick) return false;
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
};

constexpr run run_of(std::span<const part> parts, std::size_t i, int w) {
    if (i >= parts.size()) return {};
    const auto row = parts[i].of.row(w);
    return {row.data(), row.data() + row.size(), parts[i].tick, parts[i].unit, parts[i].pipeline};
}

/// Row w by merging each part with the next one. Refuses overlapping slots.
constexpr slot* merge_row(std::span<const part> parts, int w, slot* to) {
    run a = run_of(parts, 0, w);
    run b = run_of(parts, 1, w);
    std::size_t next = 2;
    std::int32_t free_from = 0;
    for (;;) {
        if (a.at == a.end) {
            if (b.at == b.end && next > parts.size()) return to;
            a = b;
            b = run_of(parts, next++, w);
            continue;
        }
        run& r = b.at != b.end && b.at->tick + b.tick < a.at->tick + a.tick ? b : a;
        *to = *r.at++;
        to->tick += r.tick;
        to->first += r.unit;
        if (r.pipeline != 0) to->pipeline = static_cast<std::uint16_t>(to->pipeline + r.pipeline);
        if (to->tick < free_from) collision(w, to->tick);
        free_from = to->tick + to->ticks;
        ++to;
    }
}

/// Lays the parts over the same workers. Linear in slots plus ticks.
constexpr schedule superpose(const shape& head, std::vector<std::int32_t> placement, std::span<const part> parts) {
    std::size_t total = 0;
    for (const part& p : parts) total += p.of.slots.size();
    schedule out{head, std::move(placement), {}, std::vector<slot>(total, slot{})};
    out.offsets.reserve(static_cast<std::size_t>(head.workers) + 1);
    out.offsets.push_back(0);
    std::vector<std::int32_t> grid;
    std::vector<std::int32_t> rank;
    slot* to = out.slots.data();
    for (int w = 0; w < head.workers; ++w) {
        if (only_neighbours_meet(parts, w)) {
            to = merge_row(parts, w, to);
        } else {
            const std::int32_t ticks = row_end(parts, w);
            if (grid.size() <= static_cast<std::size_t>(ticks)) {
                grid.resize(static_cast<std::size_t>(ticks) + 1, 0);
                rank.resize(static_cast<std::size_t>(ticks) + 1, 0);
            }
            sort_row(parts, w, ticks, grid.data(), rank.data(), to);
            for (const part& p : parts) to += p.of.row(w).size();
        }
        out.offsets.push_back(static_cast<std::int32_t>(to - out.slots.data()));
    }
    return out;
}

}  // namespace chimera::detail
