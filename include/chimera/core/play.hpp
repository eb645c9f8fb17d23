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
/// `cost(slot)` is how long a slot takes, `cost(slot, slot)` a pair, `delay(boundary)` how long one unit's tensor travels
/// between workers; `sink(index, begin, end)` receives every slot's times. A pair begins when both have their inputs and
/// both end with it. Linear in slots.
template <class Time, class Cost, class Delay, class Sink>
class player {
public:
    constexpr player(schedule_view of, Cost cost, Delay delay, Sink sink)
        : of_(of), cost_(cost), sink_(sink), units_(static_cast<std::size_t>(of.head.units())),
          gradients_(units_ * static_cast<std::size_t>(of.head.stages)), ends_(2 * gradients_, missing),
          clocks_(static_cast<std::size_t>(of.head.workers), Time{0}), cursors_(of.offsets.begin(), of.offsets.end()) {
        down_.reserve(of.placement.size());
        up_.reserve(of.placement.size());
        for (int p = 0; p < of.head.pipelines; ++p) {
            for (int s = 0; s < of.head.stages; ++s) {
                const auto crosses = [&](int next) { return of.worker_of(p, s) != of.worker_of(p, next); };
                down_.push_back(s > 0 && crosses(s - 1) ? delay(s - 1) : Time{0});
                up_.push_back(s + 1 < of.head.stages && crosses(s + 1) ? delay(s) : Time{0});
            }
        }
    }

    /// Number of slots played: fewer than there are when the orders of the rows wait for each other.
    constexpr std::size_t run() {
        // The grid's own order respects the dependencies of a lawful schedule: nothing to wait for, nobody to wake.
        if (dense() && run_by_tick()) return of_.slots.size();
        ends_.assign(ends_.size(), missing);
        clocks_.assign(clocks_.size(), Time{0});
        cursors_.assign(of_.offsets.begin(), of_.offsets.end());
        return run_by_need();
    }

private:
    static constexpr Time missing = -1;
    static constexpr std::size_t none = ~std::size_t{0};

    constexpr bool dense() const {
        std::int64_t ticks = 0;
        for (int w = 0; w < of_.head.workers; ++w)
            if (const auto row = of_.row(w); !row.empty()) ticks = std::max<std::int64_t>(ticks, row.back().tick);
        return ticks * of_.head.workers <= 4 * static_cast<std::int64_t>(of_.slots.size());
    }

    /// Plays slot `at` of worker w, and its partner with it; 0 while an input is missing, which `need_` then names.
    constexpr std::int32_t play_slot(std::size_t w, std::int32_t at) {
        const slot* const s = of_.slots.data() + at;
        Time begin = clocks_[w];
        if (!inputs_there(*s, begin)) return 0;
        if (s->overlap != 0 && at + 1 != of_.offsets[w + 1]) {
            if (!inputs_there(s[1], begin)) return 0;
            clocks_[w] = begin + cost_(*s, s[1]);
            yield(*s, at, begin, clocks_[w]);
            yield(s[1], at + 1, begin, clocks_[w]);
            return 2;
        }
        clocks_[w] = begin + cost_(*s);
        yield(*s, at, begin, clocks_[w]);
        return 1;
    }

    /// Where the end of s is kept; null for a pass that no other worker waits for.
    constexpr Time* end_of(const slot& s) {
        if (s.op != pass::forward && !sends_gradient(s.op)) return nullptr;
        return ends_.data() + (s.op == pass::forward ? 0 : gradients_) + s.stage * units_ +
               static_cast<std::size_t>(s.first);
    }

    /// Moves `begin` on to the arrival of the last input.
    constexpr bool inputs_there(const slot& s, Time& begin) {
        const bool forward = s.op == pass::forward;
        const Time* const own = end_of(s);
        if (own == nullptr || (forward ? s.stage == 0 : s.stage + 1 == of_.head.stages)) return true;
        const Time* const inputs = forward ? own - units_ : own + units_;
        const std::size_t place = s.pipeline * static_cast<std::size_t>(of_.head.stages) + s.stage;
        const Time travel = (forward ? down_ : up_)[place] * s.count;
        for (int u = 0; u < s.count; ++u) {
            if (inputs[u] == missing) {
                need_ = static_cast<std::size_t>(inputs + u - ends_.data());
                return false;
            }
            begin = std::max(begin, inputs[u] + travel);
        }
        return true;
    }

    constexpr void yield(const slot& s, std::int32_t at, Time begin, Time end) {
        Time* const own = end_of(s);
        for (int u = 0; own != nullptr && u < s.count; ++u) own[u] = end;
        sink_(static_cast<std::size_t>(at), begin, end);
    }

    constexpr bool run_by_tick() {
        const slot* const slots = of_.slots.data();
        const std::size_t workers = clocks_.size();
        std::size_t left = of_.slots.size();
        for (std::int32_t tick = 0; left > 0; ++tick) {
            for (std::size_t w = 0; w < workers; ++w) {
                std::int32_t& at = cursors_[w];
                while (at != of_.offsets[w + 1] && slots[at].tick <= tick) {
                    const std::int32_t played = play_slot(w, at);
                    if (played == 0) return false;
                    at += played;
                    left -= static_cast<std::size_t>(played);
                }
            }
        }
        return true;
    }

    /// A worker runs until an input is missing and is woken by whoever yields it.
    constexpr std::size_t run_by_need() {
        const std::size_t workers = clocks_.size();
        std::vector<std::size_t> blocked(workers, none);  // what the worker waits for, as an index into `ends_`
        std::vector<std::size_t> awake(workers, 0);
        for (std::size_t w = 0; w < workers; ++w) awake[w] = workers - 1 - w;
        std::size_t played = 0;
        while (!awake.empty()) {
            const std::size_t w = awake.back();
            awake.pop_back();
            for (std::int32_t& at = cursors_[w]; at != of_.offsets[w + 1];) {
                const std::int32_t some = play_slot(w, at);
                if (some == 0) {
                    blocked[w] = need_;
                    break;
                }
                for (const std::int32_t end = at + some; at != end; ++at, ++played)
                    wake_consumer(of_.slots[static_cast<std::size_t>(at)], blocked, awake);
            }
        }
        return played;
    }

    constexpr void wake_consumer(const slot& s, std::vector<std::size_t>& blocked,
                                 std::vector<std::size_t>& awake) const {
        const bool forward = s.op == pass::forward;
        const int next = forward ? s.stage + 1 : s.stage - 1;
        if ((!forward && !sends_gradient(s.op)) || next < 0 || next == of_.head.stages) return;
        const auto consumer = static_cast<std::size_t>(of_.worker_of(s.pipeline, next));
        const std::size_t own = (forward ? 0 : gradients_) + s.stage * units_ + static_cast<std::size_t>(s.first);
        if (blocked[consumer] - own >= s.count) return;
        blocked[consumer] = none;
        awake.push_back(consumer);
    }

    schedule_view of_;
    Cost cost_;
    Sink sink_;
    std::size_t units_;
    std::size_t gradients_;     // where gradients begin in `ends_`
    std::vector<Time> ends_;    // of forward (stage, unit), then of its (input) gradient
    std::vector<Time> clocks_;  // per worker
    std::vector<std::int32_t> cursors_;
    std::vector<Time> down_;  // (pipeline, stage): travel of an activation from the stage before, per unit
    std::vector<Time> up_;    // likewise of a gradient from the stage after
    std::size_t need_ = none;
};

template <class Time, class Cost, class Delay, class Sink>
constexpr std::size_t play(schedule_view of, Cost cost, Delay delay, Sink sink) {
    return player<Time, Cost, Delay, Sink>(of, cost, delay, sink).run();
}

}  // namespace chimera::detail
