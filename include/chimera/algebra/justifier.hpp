// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Plays an order of one pipeline forwards or backwards in time and lets slots move up into bubbles. A worker runs the
/// next slot of its row; while that cannot start, it runs the first of the slots behind it that is ready, ends in time
/// and leaves the memory for all slots that it overtakes. Backwards in time the last slot of a row is the next one, and
/// every dependency is turned round. A pass each way is the justification of project scheduling (Valls, Ballestín and
/// Quintanilla, European Journal of Operational Research 165, 2005).
/// It goes event by event; a slot in a bubble looks at `window` slots at most.
class justifier {
public:
    /// `limits`: most live activations per worker. `hop`: ticks that a tensor travels between workers.
    constexpr justifier(schedule order, std::vector<std::int32_t> limits, std::int32_t hop, int window)
        : order_(std::move(order)), limits_(std::move(limits)), hop_(hop), window_(window),
          units_(static_cast<std::size_t>(order_.head.units())),
          places_(units_ * static_cast<std::size_t>(order_.head.stages)), out_(order_.entries.size(), slot{}),
          next_(order_.entries.size(), none), ends_(3 * places_, none), nodes_(2 * order_.entries.size(), node{}) {
        std::int32_t longest = 1;
        for (const slot& s : order_.entries) {
            longest = (std::max<std::int32_t>)(longest, s.ticks + hop);
            if (s.op == pass::weight_gradient) last_ = 2;
        }
        std::size_t size = 2;
        while (size <= static_cast<std::size_t>(longest)) size *= 2;
        calendar_.assign(size, none);
    }

    /// Moves slots; if the play comes to its end the order is the new one, with its ticks after a play forwards.
    constexpr bool play(bool backwards) {
        backwards_ = backwards;
        open();
        std::size_t left = out_.size();
        for (std::size_t w = 0; w < rows_.size(); ++w) left -= step(static_cast<std::int32_t>(w), 0);
        const std::size_t mask = calendar_.size() - 1;
        for (std::int32_t tick = 1; waiting_ > 0; ++tick) {
            std::int32_t at = std::exchange(calendar_[static_cast<std::size_t>(tick) & mask], none);
            while (at != none) {
                const node n = nodes_[static_cast<std::size_t>(at)];
                --waiting_;
                if (rows_[static_cast<std::size_t>(n.worker)].free <= tick) left -= step(n.worker, tick);
                at = n.next;
            }
        }
        if (left > 0) return false;
        std::swap(order_.entries, out_);
        return true;
    }

    [[nodiscard]] constexpr const schedule& order() const noexcept { return order_; }

private:
    static constexpr std::int32_t none = -1;

    struct node {
        std::int32_t next = none;
        std::int32_t worker = none;
    };
    struct row {
        std::int32_t next = none;  // slot of the order; others follow through next_
        std::int32_t to = 0;       // place of the next slot
        std::int32_t live = 0;
        std::int32_t limit = 0;
        std::int32_t free = 0;  // end of what it runs
    };

    [[nodiscard]] static constexpr int kind_of(pass op) noexcept {
        return op == pass::forward ? 0 : op == pass::weight_gradient ? 2 : 1;
    }

    constexpr void open() {
        std::fill(ends_.begin(), ends_.end(), none);
        rows_.clear();
        for (std::size_t w = 0; w + 1 < order_.offsets.size(); ++w) {
            const std::int32_t from = order_.offsets[w], end = order_.offsets[w + 1];
            for (std::int32_t i = from; i < end; ++i)
                next_[static_cast<std::size_t>(i)] = backwards_ ? (i > from ? i - 1 : none) : (i + 1 < end ? i + 1 : none);
            const std::int32_t first = backwards_ ? end - 1 : from;
            rows_.push_back({from == end ? none : first, first, 0, limits_[w], 0});
        }
    }

    /// Returns what a slot adds to the live activations of its worker.
    [[nodiscard]] constexpr int change(int kind) const noexcept {
        if (kind != 0 && kind != last_) return 0;
        return (kind == 0) == backwards_ ? -1 : 1;
    }
    /// Returns the stage on whose pass of the same kind the slot waits, which may be no stage.
    [[nodiscard]] constexpr int source(int kind, int stage) const noexcept {
        return (kind == 0) == backwards_ ? stage + 1 : stage - 1;
    }

    /// Returns the tick at which all inputs are there; none while that is not known.
    [[nodiscard]] constexpr std::int32_t arrival(const slot& s) const noexcept {
        const int kind = kind_of(s.op);
        const int local = backwards_ ? kind + 1 : kind - 1;
        const std::size_t place = s.stage * units_ + static_cast<std::size_t>(s.first);
        if (local >= 0 && local <= last_ && ends_[static_cast<std::size_t>(local) * places_ + place] == none)
            return none;
        const int from = kind == 2 ? none : source(kind, s.stage);
        if (from < 0 || from == order_.head.stages) return 0;
        const std::int32_t end = ends_[static_cast<std::size_t>(kind) * places_ +
                                       static_cast<std::size_t>(from) * units_ + static_cast<std::size_t>(s.first)];
        return end == none ? none : end + travel(s.stage, from);
    }
    [[nodiscard]] constexpr std::int32_t travel(int a, int b) const noexcept {
        return order_.placement[static_cast<std::size_t>(a)] == order_.placement[static_cast<std::size_t>(b)] ? 0
                                                                                                            : hop_;
    }

    /// Starts a slot of worker w, if one can start, and returns how many started: 0 or 1.
    constexpr std::size_t step(std::int32_t w, std::int32_t tick) {
        row& r = rows_[static_cast<std::size_t>(w)];
        if (r.next == none) return 0;
        std::int32_t before = none, at = r.next;
        const slot* const all = order_.entries.data();
        const std::int32_t ready = arrival(all[at]);
        const bool there = ready != none && ready <= tick;
        int most = r.live + change(kind_of(all[at].op));
        if (!there || most > r.limit) {
            const std::int32_t until = ready > tick ? ready : (std::numeric_limits<std::int32_t>::max)();
            find_ready(r, tick, until, before, at);
            if (at == none) return 0;
        }
        (before == none ? r.next : next_[static_cast<std::size_t>(before)]) = next_[static_cast<std::size_t>(at)];
        start(w, r, all[at], tick);
        return 1;
    }

    /// Finds a slot behind the next one that can start now; `at` is none if there is none.
    constexpr void find_ready(const row& r, std::int32_t tick, std::int32_t until, std::int32_t& before,
                              std::int32_t& at) const {
        const slot* const all = order_.entries.data();
        int live = r.live, most = r.live;
        for (int n = 0; n < window_; ++n) {
            live += change(kind_of(all[at].op));
            most = (std::max)(most, live);
            before = std::exchange(at, next_[static_cast<std::size_t>(at)]);
            if (at == none) return;
            const slot& s = all[at];
            if (tick + s.ticks > until || (change(kind_of(s.op)) > 0 && most >= r.limit)) continue;
            if (const std::int32_t ready = arrival(s); ready != none && ready <= tick) return;
        }
        at = none;
    }

    constexpr void start(std::int32_t w, row& r, const slot& s, std::int32_t tick) {
        const int kind = kind_of(s.op);
        slot& to = out_[static_cast<std::size_t>(r.to)];
        to = s;
        to.tick = tick;
        r.free = tick + s.ticks;
        r.live += change(kind);
        ends_[static_cast<std::size_t>(kind) * places_ + s.stage * units_ + static_cast<std::size_t>(s.first)] = r.free;
        wake(w, r.free, 2 * static_cast<std::size_t>(r.to));
        if (kind < 2) {
            const int reader = 2 * s.stage - source(kind, s.stage);
            if (reader >= 0 && reader < order_.head.stages && order_.placement[static_cast<std::size_t>(reader)] != w)
                wake(order_.placement[static_cast<std::size_t>(reader)], r.free + hop_,
                     2 * static_cast<std::size_t>(r.to) + 1);
        }
        r.to += backwards_ ? -1 : 1;
    }

    constexpr void wake(std::int32_t w, std::int32_t tick, std::size_t at) {
        std::int32_t& head = calendar_[static_cast<std::size_t>(tick) & (calendar_.size() - 1)];
        nodes_[at] = {head, w};
        head = static_cast<std::int32_t>(at);
        ++waiting_;
    }

    schedule order_;
    std::vector<std::int32_t> limits_;
    std::int32_t hop_;
    int window_;
    std::size_t units_;
    std::size_t places_;  // stages × units
    int last_ = 1;        // the kind that ends an activation: 1 full backward, 2 weight gradient
    bool backwards_ = false;
    std::vector<slot> out_;
    std::vector<std::int32_t> next_;  // per slot: the one behind it in its row that has not run
    std::vector<std::int32_t> ends_;  // kind, stage, unit: forwards, (input) gradients, weight gradients
    std::vector<row> rows_;
    std::vector<node> nodes_;             // two for each slot: its worker is free, its reader has the tensor
    std::vector<std::int32_t> calendar_;  // per tick, modulo its size: a list of nodes
    std::int32_t waiting_ = 0;            // nodes in the calendar
};

}  // namespace chimera::detail
