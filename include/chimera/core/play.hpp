// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Plays a schedule in the order of its rows, every slot as early as its worker and its inputs allow.
///
/// `cost(slot)` is how long a slot takes, `delay(boundary, count)` how long a boundary tensor travels between workers,
/// `sink(index, begin, end)` receives every slot's times in an order that respects all dependencies.
/// Linear in slots: a worker runs until an input is missing and is woken by whoever yields it.
/// Returns the number of slots played: fewer than there are when the orders of the rows wait for each other.
template <class Time, class Cost, class Delay, class Sink>
constexpr std::size_t play(schedule_view of, Cost cost, Delay delay, Sink sink) {
    const auto units = static_cast<std::size_t>(of.head.units());
    const std::size_t backwards = units * static_cast<std::size_t>(of.head.stages);
    const auto workers = static_cast<std::size_t>(of.head.workers);
    constexpr Time missing = -1;
    std::vector<Time> ends(2 * backwards, missing);        // of forward (stage, unit), then of its (input) gradient
    std::vector<Time> clocks(workers, Time{0});
    std::vector<std::size_t> blocked(workers, ~std::size_t{0});  // what the worker waits for, as an index into `ends`
    std::vector<std::int32_t> cursors(of.offsets.begin(), of.offsets.end());
    std::vector<std::int32_t> awake(workers, 0);
    for (std::size_t w = 0; w < workers; ++w) awake[w] = static_cast<std::int32_t>(workers - 1 - w);
    const slot* const slots = of.slots.data();
    Time* const end_of = ends.data();
    std::size_t played = 0;
    while (!awake.empty()) {
        const auto w = static_cast<std::size_t>(awake.back());
        awake.pop_back();
        Time clock = clocks[w];
        std::int32_t at = cursors[w];
        for (const std::int32_t last = of.offsets[w + 1]; at != last; ++at) {
            const slot& s = slots[at];
            const bool forward = s.op == pass::forward;
            const bool gradient = sends_gradient(s.op);
            const std::size_t own = (gradient ? backwards : 0) + s.stage * units + static_cast<std::size_t>(s.first);
            Time begin = clock;
            if ((forward && s.stage > 0) || (gradient && s.stage + 1 < of.head.stages)) {
                const int from = forward ? s.stage - 1 : s.stage + 1;
                const std::size_t need = forward ? own - units : own + units;
                const bool crosses = of.worker_of(s.pipeline, from) != static_cast<std::int32_t>(w);
                const Time travel = crosses ? delay(std::min<int>(from, s.stage), s.count) : Time{0};
                std::size_t u = 0;
                for (; u < s.count && end_of[need + u] != missing; ++u) begin = std::max(begin, end_of[need + u] + travel);
                if (u < s.count) {
                    blocked[w] = need + u;
                    break;
                }
            }
            clock = begin + cost(s);
            sink(static_cast<std::size_t>(at), begin, clock);
            ++played;
            if (!forward && !gradient) continue;
            for (std::size_t u = 0; u < s.count; ++u) end_of[own + u] = clock;
            const int next = forward ? s.stage + 1 : s.stage - 1;
            if (next < 0 || next == of.head.stages) continue;
            const auto consumer = static_cast<std::size_t>(of.worker_of(s.pipeline, next));
            if (blocked[consumer] - own < s.count) {
                blocked[consumer] = ~std::size_t{0};
                awake.push_back(static_cast<std::int32_t>(consumer));
            }
        }
        clocks[w] = clock;
        cursors[w] = at;
    }
    return played;
}

}  // namespace chimera::detail
