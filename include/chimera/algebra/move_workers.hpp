// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// Moves every worker's row, and the placement with it, to worker (forwards ? shift + w : shift - w) modulo workers.
[[nodiscard]] constexpr schedule move_rows(schedule_argument of, std::int32_t shift, bool forwards) {
    const std::int32_t workers = of.head.workers;
    const auto moved = [&](std::int32_t w) {
        return ((forwards ? shift + w : shift - w) % workers + workers) % workers;
    };
    schedule out{of.head, {}, {}, {}};
    out.placement.reserve(of.placement.size());
    for (const std::int32_t w : of.placement) out.placement.push_back(moved(w));
    std::vector<std::int32_t> source(static_cast<std::size_t>(workers), 0);
    for (std::int32_t w = 0; w < workers; ++w) source[static_cast<std::size_t>(moved(w))] = w;
    out.offsets.reserve(of.offsets.size());
    out.offsets.push_back(0);
    out.entries = std::vector<slot>(of.entries.size(), slot{});
    slot* to = out.entries.data();
    for (const std::int32_t w : source) {
        const auto row = of.row(w);
        for (const slot *s = row.data(), *last = s + row.size(); s != last; ++s) *to++ = *s;
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

}  // namespace detail

/// Stage s moves from worker w to worker workers - 1 - w: the pipeline that runs the other way.
[[nodiscard]] constexpr schedule mirror(schedule_argument of) {
    return detail::move_rows(of, of.head.workers - 1, false);
}

/// Every stage moves k workers on, around the ring of workers.
[[nodiscard]] constexpr schedule rotate(schedule_argument of, int k) { return detail::move_rows(of, k, true); }

/// `width` copies side by side, data-parallel: copy k of worker w is worker k · workers + w, and copy k of pipeline p is
/// pipeline k · pipelines + p with its own micro-batches. Replica groups then span the copies without further ado.
[[nodiscard]] constexpr schedule widen(schedule_argument of, int width) {
    schedule out{of.head, {}, {}, {}};
    out.head.workers *= width;
    out.head.pipelines *= width;
    out.head.micro_batches *= width;
    out.offsets.push_back(0);
    out.entries.reserve(of.entries.size() * static_cast<std::size_t>(width));
    for (int k = 0; k < width; ++k) {
        for (const std::int32_t w : of.placement) out.placement.push_back(w + k * of.head.workers);
        for (int w = 0; w < of.head.workers; ++w) {
            for (slot s : of.row(w)) {
                s.first += k * of.head.units();
                s.pipeline = static_cast<std::uint16_t>(s.pipeline + k * of.head.pipelines);
                out.entries.push_back(s);
            }
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        }
    }
    return out;
}

}  // namespace chimera
