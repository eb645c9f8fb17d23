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

/// Lays the parts over the same workers. Linear in slots plus ticks: each row is a bucket sort by tick.
constexpr schedule superpose(const shape& head, std::vector<std::int32_t> placement, std::span<const part> parts) {
    std::size_t total = 0;
    std::int32_t most = 0;
    for (const part& p : parts) total += p.of.slots.size();
    for (int w = 0; w < head.workers; ++w) most = std::max(most, row_end(parts, w));
    schedule out{head, std::move(placement), {}, std::vector<slot>(total)};
    out.offsets.reserve(static_cast<std::size_t>(head.workers) + 1);
    out.offsets.push_back(0);
    std::vector<std::int32_t> grid(static_cast<std::size_t>(most) + 1, 0);
    std::vector<std::int32_t> rank(static_cast<std::size_t>(most) + 1, 0);
    std::int32_t* const places = rank.data();
    std::int32_t before = 0;
    for (int w = 0; w < head.workers; ++w) {
        mark_row(parts, w, grid.data());
        std::int32_t next = before;
        for (std::int32_t *c = grid.data(), *last = c + most; c != last; ++c) {
            if (*c > 0) places[*c] = next++;
            *c = 0;
        }
        place_row(parts, w, places, out.slots.data());
        before = next;
        out.offsets.push_back(before);
    }
    return out;
}

}  // namespace chimera::detail
