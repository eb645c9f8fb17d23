// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// Moves every worker's row, and the placement with it, to worker (forwards ? shift + w : shift - w) modulo workers.
[[nodiscard]] constexpr schedule move_rows(schedule_argument table, std::int32_t shift, bool forwards) {
    const std::int32_t workers = table.head.workers;
    const auto moved = [&](std::int32_t w) {
        return ((forwards ? shift + w : shift - w) % workers + workers) % workers;
    };
    schedule out{table.head, {}, {}, {}, {table.links.begin(), table.links.end()}};
    out.placement.reserve(table.placement.size());
    for (const std::int32_t w : table.placement) out.placement.push_back(moved(w));
    std::vector<std::int32_t> source(static_cast<std::size_t>(workers), 0);
    for (std::int32_t w = 0; w < workers; ++w) source[static_cast<std::size_t>(moved(w))] = w;
    out.offsets.reserve(table.offsets.size());
    out.offsets.push_back(0);
    out.entries = std::vector<slot>(table.entries.size(), slot{});
    slot* to = out.entries.data();
    for (const std::int32_t w : source) {
        const auto row = table.row(w);
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) *to++ = *s;
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

}  // namespace detail

/// Moves every stage from worker w to worker workers - 1 - w: the pipeline then runs the other way.
[[nodiscard]] constexpr schedule mirror(schedule_argument table) {
    return detail::move_rows(table, table.head.workers - 1, false);
}

/// Moves every stage k workers on, around the ring of workers.
[[nodiscard]] constexpr schedule rotate(schedule_argument table, int k) { return detail::move_rows(table, k, true); }

/// Returns `width` data-parallel copies side by side. Copy k of worker w is worker k · workers + w. Copy k of pipeline
/// p is pipeline k · pipelines + p, with micro-batches of its own. Replicas of a stage then span the copies.
[[nodiscard]] constexpr schedule widen(schedule_argument table, int width) {
    schedule out{table.head, {}, {}, {}, {table.links.begin(), table.links.end()}};
    out.head.workers *= width;
    out.head.pipelines *= width;
    out.head.micro_batches *= width;
    out.offsets.push_back(0);
    out.entries.reserve(table.entries.size() * static_cast<std::size_t>(width));
    for (int k = 0; k < width; ++k) {
        for (const std::int32_t w : table.placement) out.placement.push_back(w + k * table.head.workers);
        for (int w = 0; w < table.head.workers; ++w) {
            for (slot s : table.row(w)) {
                s.first += k * table.head.units();
                s.pipeline = static_cast<std::uint16_t>(s.pipeline + k * table.head.pipelines);
                out.entries.push_back(s);
            }
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        }
    }
    return out;
}

}  // namespace chimera
