// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/superpose.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// A row on its way into a common one: a cursor and the row's end.
struct strand {
    const slot* at = nullptr;
    const slot* end = nullptr;
};

/// Merges the strands by tick into `to`. Throws `chimera_error` if two slots of worker w overlap.
constexpr slot* merge_strands(std::vector<strand>& strands, int w, slot* to) {
    std::int32_t free_from = 0;
    for (;;) {
        strand* next = nullptr;
        for (strand *s = strands.data(), *last = s + strands.size(); s != last; ++s)
            if (s->at != s->end && (next == nullptr || s->at->tick < next->at->tick)) next = s;
        if (next == nullptr) return to;
        if (next->at->tick < free_from) collision(w, next->at->tick);
        free_from = next->at->end();
        *to++ = *next->at++;
    }
}

/// Puts the row of worker w onto worker `home[w]` of `workers`, each slot at its tick.
[[nodiscard]] constexpr schedule join_rows(schedule_argument table, int workers,
                                           const std::vector<std::int32_t>& home) {
    schedule out{
        table.head, {}, {}, std::vector<slot>(table.entries.size(), slot{}), {table.links.begin(), table.links.end()}};
    out.head.workers = workers;
    out.placement.reserve(table.placement.size());
    for (const std::int32_t w : table.placement) out.placement.push_back(home[static_cast<std::size_t>(w)]);
    std::vector<std::vector<std::int32_t>> sources(static_cast<std::size_t>(workers));
    for (std::size_t w = 0; w < home.size(); ++w)
        sources[static_cast<std::size_t>(home[w])].push_back(static_cast<std::int32_t>(w));
    out.offsets.reserve(static_cast<std::size_t>(workers) + 1);
    out.offsets.push_back(0);
    slot* to = out.entries.data();
    std::vector<strand> strands;
    for (int w = 0; w < workers; ++w) {
        strands.clear();
        for (const std::int32_t source : sources[static_cast<std::size_t>(w)]) {
            const auto row = table.row(source);
            strands.push_back({row.data(), row.data() + row.size()});
        }
        to = merge_strands(strands, w, to);
        out.offsets.push_back(static_cast<std::int32_t>(to - out.entries.data()));
    }
    return out;
}

}  // namespace detail

/// Folds the line of workers in the middle: worker w and worker workers - 1 - w become one, so that a linear pipeline
/// runs down and up again, V-shaped, with two stages half as deep on each. Slots keep their ticks.
/// Throws `chimera_error` if the number of workers is odd, and for a collision, with its worker and tick.
[[nodiscard]] constexpr schedule fold(schedule_argument table) {
    if (table.head.workers % 2 != 0) refuse("fold of an odd number of workers (two become one) use an even number");
    std::vector<std::int32_t> home;
    for (std::int32_t w = 0; w < table.head.workers; ++w)
        home.push_back(w < table.head.workers / 2 ? w : table.head.workers - 1 - w);
    return detail::join_rows(table, table.head.workers / 2, home);
}

/// Moves worker w to worker w modulo workers / chunks, so that each holds `chunks` stages of a linear pipeline. Slots
/// keep their ticks.
/// Throws `chimera_error` if `chunks` does not divide the workers, and for a collision, with its worker and tick.
[[nodiscard]] constexpr schedule loop(schedule_argument table, int chunks) {
    if (chunks < 1 || table.head.workers % chunks != 0)
        refuse("loop of workers that chunks do not divide (every worker takes as many) use a divisor of the workers");
    const std::int32_t workers = table.head.workers / chunks;
    std::vector<std::int32_t> home;
    for (std::int32_t w = 0; w < table.head.workers; ++w) home.push_back(w % workers);
    return detail::join_rows(table, workers, home);
}

}  // namespace chimera
