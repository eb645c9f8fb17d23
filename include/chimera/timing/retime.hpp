// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/timing/row_windows.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Lets a player play to the end.
struct no_deadline {
    constexpr void begin() const noexcept {}
    template <class Time>
    constexpr bool missed(const played_slot<Time>*, const lane<Time>&, std::size_t) const noexcept {
        return false;
    }
};

/// Ends a player as soon as a worker is sure to end after `limit`: where it is now, and what its other slots take.
/// `work`: the time of all slots of each worker's row.
class deadline {
public:
    constexpr deadline(std::span<const double> work, double limit) : work_(work), limit_(limit) {}

    constexpr void begin() { left_.assign(work_.begin(), work_.end()); }
    /// Takes the slots of a window off what is left, from its first to where the worker is.
    constexpr bool missed(const played_slot<double>* from, const lane<double>& l, std::size_t w) {
        double& left = left_[w];
        for (; from != l.at; ++from) {
            left -= from->end - from->begin;
            if (from->what.overlap != 0 && from + 1 != l.at) ++from;
        }
        return (l.clock + left) * (1 - 1e-9) >= limit_;
    }

private:
    std::span<const double> work_;
    std::vector<double> left_;
    double limit_;
};

/// Plays a schedule in the order of its rows, every slot as early as its worker and its inputs allow.
///
/// `cost(slot)` is the time of a slot, `cost(slot, slot)` that of a pair, and `delay(boundary)` the time that the
/// tensor of one unit travels between workers; `sink`: see row_windows. A pair begins when both have their inputs, and
/// both end with it. Linear in slots. `watch`: asked each time a window is done whether to give up.
template <class Time, class Cost, class Sink, class Watch = no_deadline>
class player {
public:
    template <class Delay>
    constexpr player(schedule_view timetable, Cost cost, Delay delay, Sink sink, Watch watch = {})
        : of_(timetable), cost_(cost), windows_(timetable, sink), watch_(std::move(watch)),
          lanes_(static_cast<std::size_t>(timetable.head.workers), lane<Time>{}),
          ports_(2 * timetable.placement.size(), port{}), units_(static_cast<std::size_t>(timetable.head.units())) {
        const int stages = timetable.head.stages;
        port* down = ports_.data();
        port* up = down + timetable.placement.size();
        for (int p = 0; p < timetable.head.pipelines; ++p) {
            for (int s = 0; s < stages; ++s, ++down, ++up) {
                const auto crosses = [&](int next) {
                    return timetable.worker_of(p, s) != timetable.worker_of(p, next);
                };
                if (s > 0) down->needs = true;
                if (s > 0 && crosses(s - 1)) down->travel = delay(s - 1);
                if (s + 1 < stages) up->needs = true;
                if (s + 1 < stages && crosses(s + 1)) up->travel = delay(s);
            }
        }
    }

    /// Returns true if the watch ended it: not all slots have been played.
    [[nodiscard]] constexpr bool given_up() const noexcept { return given_up_; }

    /// Returns the number of slots played: fewer than there are if rows wait for each other.
    constexpr std::size_t run() {
        // The grid's own order respects the dependencies of a lawful schedule: no worker waits for another.
        if (dense() && run_by_tick()) return of_.entries.size();
        return run_by_need();
    }

private:
    static constexpr Time missing = -1;
    static constexpr std::size_t group = 64;  // workers that are played together: what they touch stays in the cache

    using entry = played_slot<Time>;
    /// The place of a pass's end among the ends of its stage, and the place of the end that it needs.
    struct port {
        Time travel = 0;
        std::int32_t own = 0;   // row of ends
        std::int32_t from = 0;  // likewise
        bool needs = false;
    };
    /// The latest ends that one port has put out, each with its unit.
    struct recent {
        Time end = 0;
        std::int32_t unit = -1;
    };

    [[nodiscard]] constexpr bool dense() const noexcept {
        std::int64_t ticks = 0;
        for (int w = 0; w < of_.head.workers; ++w)
            if (const auto row = of_.row(w); !row.empty()) ticks = (std::max<std::int64_t>)(ticks, row.back().tick);
        return ticks * of_.head.workers <= 4 * static_cast<std::int64_t>(of_.entries.size());
    }

    constexpr void open_lanes() {
        watch_.begin();
        for (std::size_t w = 0; w < lanes_.size(); ++w) lanes_[w] = windows_.open(w);
    }

    /// Fills a worker's window again. Returns false at the end of its row, or where the watch gives up.
    constexpr bool refill(lane<Time>& l, std::size_t w) {
        if (watch_.missed(windows_.front(w), l, w)) {
            given_up_ = true;
            return false;
        }
        return windows_.refill(l, w);
    }

    /// Numbers the rows of ends: of forwards, then of gradients, by (pipeline, stage) or by stage alone.
    constexpr void lay_rows(bool by_pipeline) {
        const auto stages = of_.head.stages;
        const auto places = static_cast<std::int32_t>(of_.placement.size());
        for (std::int32_t i = 0; i < 2 * places; ++i) {
            port& p = ports_[static_cast<std::size_t>(i)];
            p.own = by_pipeline ? i : (i < places ? 0 : stages) + i % stages;
            p.from = i < places ? p.own - 1 : p.own + 1;
        }
    }

    /// Returns the port of a pass; null for one that no other worker waits for and that waits for none.
    [[nodiscard]] constexpr const port* port_of(const slot& s) const noexcept {
        const std::size_t place = s.pipeline * static_cast<std::size_t>(of_.head.stages) + s.stage;
        if (s.op == pass::forward) return ports_.data() + place;
        return sends_gradient(s.op) ? ports_.data() + of_.placement.size() + place : nullptr;
    }

    template <bool Recent>
    [[nodiscard]] constexpr std::size_t place_of(std::int32_t row, std::int32_t unit) const noexcept {
        if (Recent) return static_cast<std::size_t>(row) * kept_ + (static_cast<std::size_t>(unit) & (kept_ - 1));
        return static_cast<std::size_t>(row) * length_ + static_cast<std::size_t>(unit);
    }

    /// Moves `begin` on to the arrival of the last input. Returns false while one is missing, which `need_` then names.
    template <bool Recent>
    constexpr bool inputs_there(const slot& s, const port* p, Time& begin) {
        if (p == nullptr || !p->needs) return true;
        const Time travel = p->travel * s.count;
        for (std::int32_t u = s.first; u < s.first + s.count; ++u) {
            const std::size_t i = place_of<Recent>(p->from, u);
            if (Recent ? recent_[i].unit != u : ends_[i] < 0) {
                need_ = i;
                return false;
            }
            begin = (std::max)(begin, (Recent ? recent_[i].end : ends_[i]) + travel);
        }
        return true;
    }

    template <bool Recent>
    constexpr void yield(entry& e, const port* p, Time begin, Time end) {
        e.begin = begin;
        e.end = end;
        if (p == nullptr) return;
        for (std::int32_t u = e.what.first; u < e.what.first + e.what.count; ++u) {
            const std::size_t i = place_of<Recent>(p->own, u);
            if (Recent) {
                recent_[i] = {end, u};
                continue;
            }
            if (ends_[i] < missing) wake(static_cast<std::size_t>(missing - 1 - ends_[i]));
            ends_[i] = end;
        }
    }

    /// Plays the worker's next slot, and its partner with it. Returns how many; 0 while an input is missing.
    template <bool Recent>
    constexpr int play_next(lane<Time>& l) {
        entry& e = *l.at;
        Time begin = l.clock;
        const port* const p = port_of(e.what);
        if (!inputs_there<Recent>(e.what, p, begin)) return 0;
        if (e.what.overlap != 0 && l.at + 1 != l.end) return play_pair<Recent>(l, p, begin);
        l.clock = begin + cost_(e.what);
        yield<Recent>(e, p, begin, l.clock);
        if (l.end - ++l.at == 2) windows_.announce(l);
        return 1;
    }
    template <bool Recent>
    constexpr int play_pair(lane<Time>& l, const port* p, Time begin) {
        entry& a = l.at[0];
        entry& b = l.at[1];
        const port* const q = port_of(b.what);
        if (!inputs_there<Recent>(b.what, q, begin)) return 0;
        l.clock = begin + cost_(a.what, b.what);
        yield<Recent>(a, p, begin, l.clock);
        yield<Recent>(b, q, begin, l.clock);
        l.at += 2;
        return 2;
    }

    /// Plays tick by tick, over all workers. Keeps the latest ends alone: an input is read soon after it was put there.
    /// Returns false if one is not found, since it is missing or too old.
    constexpr bool run_by_tick() {
        constexpr std::size_t budget = 16384;
        for (kept_ = 4; kept_ < 64 && kept_ < units_ && 2 * kept_ * ports_.size() <= budget;) kept_ *= 2;
        recent_.assign(ports_.size() * kept_, recent{});
        lay_rows(true);
        open_lanes();
        std::size_t left = of_.entries.size();
        for (std::int32_t tick = 0; left > 0 && !given_up_; ++tick) {
            for (std::size_t w = 0; w < lanes_.size(); ++w) {
                lane<Time>& l = lanes_[w];
                while ((l.at != l.end || refill(l, w)) && l.at->what.tick <= tick) {
                    const int played = play_next<true>(l);
                    if (played == 0) return false;
                    left -= static_cast<std::size_t>(played);
                }
            }
        }
        for (std::size_t w = 0; w < lanes_.size(); ++w) windows_.refill(lanes_[w], w);
        return true;
    }

    /// Plays group by group, each until all of its workers wait for other groups. Returns the slots played.
    constexpr std::size_t run_by_need() {
        length_ = units_ + (units_ >= 1024 ? 16 : 0);  // no power of two: see row_windows
        ends_.assign(2 * static_cast<std::size_t>(of_.head.stages) * length_, missing);
        lay_rows(false);
        open_lanes();
        awake_.assign((lanes_.size() + group - 1) / group, 0);
        for (std::size_t w = 0; w < lanes_.size(); ++w) wake(w);
        std::size_t played = 0;
        for (bool any = true; any && !given_up_;) {
            any = false;
            for (std::size_t g = 0; g < awake_.size() && !given_up_; ++g) {
                any = any || awake_[g] != 0;
                played += run_group(g);
            }
        }
        return played;
    }

    constexpr std::size_t run_group(std::size_t g) {
        std::size_t played = 0;
        while (awake_[g] != 0 && !given_up_) {
            const std::size_t w = g * group + static_cast<std::size_t>(std::countr_zero(awake_[g]));
            awake_[g] &= awake_[g] - 1;
            played += run_worker(w);
        }
        return played;
    }

    /// Runs a worker until an input is missing. It leaves its number there, and the pass that puts the input wakes it.
    constexpr std::size_t run_worker(std::size_t w) {
        std::size_t played = 0;
        lane<Time>& l = lanes_[w];
        while (l.at != l.end || refill(l, w)) {
            const int some = play_next<false>(l);
            if (some == 0) {
                ends_[need_] = missing - 1 - static_cast<Time>(w);
                break;
            }
            played += static_cast<std::size_t>(some);
        }
        return played;
    }

    constexpr void wake(std::size_t w) { awake_[w / group] |= std::uint64_t{1} << w % group; }

    schedule_view of_;
    Cost cost_;
    row_windows<Time, Sink> windows_;
    Watch watch_;
    bool given_up_ = false;
    std::vector<lane<Time>> lanes_;
    std::vector<port> ports_;  // of forwards by (pipeline, stage), then of gradients
    std::size_t units_;
    std::size_t kept_ = 0;        // length of a row of `recent_`, a power of two
    std::vector<recent> recent_;  // by tick: rows of ends, index unit modulo `kept_`
    std::size_t length_ = 0;      // of a row of `ends_`
    std::vector<Time> ends_;      // by need: rows of ends, index unit; `missing`, or less when a worker waits for it
    std::vector<std::uint64_t> awake_;  // a bit for every worker
    std::size_t need_ = 0;
};

template <class Time, class Cost, class Delay, class Sink>
constexpr std::size_t play(schedule_argument timetable, Cost cost, Delay delay, Sink sink) {
    return player<Time, Cost, Sink>(timetable, cost, delay, sink).run();
}

}  // namespace chimera::detail
