// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/simulate/machine.hpp>
#include <chimera/timing/retime.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

/// Every worker has a core of its own.
[[nodiscard]] constexpr timeline play_freely(machine m) {
    for (bool any = true; any;) {
        any = false;
        for (std::size_t g = 0; g < m.groups(); ++g) {
            for (std::int32_t w = m.take_awake(g); w >= 0; w = m.take_awake(g)) {
                const auto at = static_cast<std::size_t>(w);
                while (m.advance(at)) m.perform(at, m.ready(at));
                any = true;
            }
        }
    }
    return m.finish();
}

/// Workers take turns on `cores` cores, first come, first served. Requests are served in the order of the times at
/// which they could start; a request that a served one causes is never earlier than it, so that order is known when it
/// is needed.
[[nodiscard]] constexpr timeline play_on_cores(machine m, int cores) {
    using request = std::pair<double, std::int32_t>;
    const auto later = [](const request& a, const request& b) { return b < a; };
    std::vector<request> requests;
    std::vector<double> free_at(static_cast<std::size_t>(cores), 0.0);
    const auto settle = [&] {
        for (bool any = true; any;) {
            any = false;
            for (std::size_t g = 0; g < m.groups(); ++g) {
                for (std::int32_t w = m.take_awake(g); w >= 0; w = m.take_awake(g)) {
                    any = true;
                    if (!m.advance(static_cast<std::size_t>(w))) continue;
                    requests.push_back({m.ready(static_cast<std::size_t>(w)), w});
                    std::push_heap(requests.begin(), requests.end(), later);
                }
            }
        }
    };
    for (settle(); !requests.empty(); settle()) {
        std::pop_heap(requests.begin(), requests.end(), later);
        const auto [ready, w] = requests.back();
        requests.pop_back();
        const auto core = std::min_element(free_at.begin(), free_at.end());
        *core = m.perform(static_cast<std::size_t>(w), (std::max)(ready, *core));
        m.wake(static_cast<std::size_t>(w));
    }
    return m.finish();
}

/// The steps that a player writes.
struct step_sink {
    step* steps;
    constexpr void operator()(std::size_t i, const slot& s, double begin, double end) const {
        steps[i] = {static_cast<action>(s.op), s.count, s.pipeline, s.stage, s.first, begin, end};
    }
    [[gnu::always_inline]] void expect(std::size_t i) const {
        detail::expect(steps + i);
        detail::expect(steps + i + 2);
    }
};

/// Plays a schedule into a timeline. Returns false if the watch gave up: the timeline is of no use then.
template <class Watch>
constexpr bool simulate_watched(timeline& out, schedule_view order, const costs& c, Watch watch) {
    const rates each(c, order.head);
    out.head = order.head;
    out.placement.assign(order.placement.begin(), order.placement.end());
    out.offsets.assign(order.offsets.begin(), order.offsets.end());
    out.reduction_offsets.clear();
    out.reductions.clear();
    out.steps.resize(order.entries.size());
    const auto cost = [&](const auto&... together) { return each.of(together...); };
    const auto delay = [&](int boundary) { return each.transfer[static_cast<std::size_t>(boundary)]; };
    player<double, decltype(cost), step_sink, Watch> all(order, cost, delay, step_sink{out.steps.data()},
                                                         std::move(watch));
    const std::size_t played = all.run();
    if (all.given_up()) return false;
    if (played != order.entries.size())
        refuse("the order cannot run (workers wait for each other) verify it to see which slot waits",
               complaint::deadlock);
    return true;
}

}  // namespace detail

/// Predicts the timeline of a program, in seconds, and writes it over `out`, whose memory it uses again.
/// `cores`: how many workers can compute at once; 0: all. Linear in instructions (times log workers with cores).
/// Throws `chimera_error` when the program cannot come to its end.
constexpr void simulate_into(timeline& out, program_argument lowered, const costs& c = {}, int cores = 0) {
    if (cores > 0 && cores < lowered.head.workers)
        out = detail::play_on_cores(detail::machine(lowered, c, std::move(out)), cores);
    else
        out = detail::play_freely(detail::machine(lowered, c, std::move(out)));
}

/// Returns the timeline of a program, in seconds, as `simulate_into` writes it. Throws as that does.
[[nodiscard]] constexpr timeline simulate(program_argument lowered, const costs& c = {}, int cores = 0) {
    if (cores > 0 && cores < lowered.head.workers) return detail::play_on_cores(detail::machine(lowered, c), cores);
    return detail::play_freely(detail::machine(lowered, c));
}

/// Predicts the timeline of a schedule alone, in seconds: no reductions, no updates; transfers delay the slots that
/// need them. A pair starts when both of its slots can, and both end with it. Writes over `out`, whose memory it uses
/// again. Throws `chimera_error` when workers wait for each other.
constexpr void simulate_into(timeline& out, schedule_argument order, const costs& c = {}) {
    (void)detail::simulate_watched(out, order, c, detail::no_deadline{});
}

/// Returns the timeline of a schedule alone, in seconds, as `simulate_into` writes it. Throws as that does.
[[nodiscard]] constexpr timeline simulate(schedule_argument order, const costs& c = {}) {
    timeline out;
    simulate_into(out, order, c);
    return out;
}

}  // namespace chimera
