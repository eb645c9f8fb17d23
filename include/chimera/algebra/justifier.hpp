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
    constexpr justifier(schedule order, const std::vector<std::int32_t>& limits, std::int32_t hop, int window)
        : order_(std::move(order)), hop_(hop), window_(window), units_(static_cast<std::size_t>(order_.head.units())),
          places_(units_ * static_cast<std::size_t>(order_.head.stages)), out_(order_.entries.size(), slot{}),
          next_(order_.entries.size(), none), ends_(3 * places_, none), rows_(order_.offsets.size() - 1),
          nodes_(2 * order_.entries.size(), node{}), done_(3 * static_cast<std::size_t>(order_.head.stages), 0) {
        std::int32_t longest = 1;
        for (const slot& s : order_.entries) {
            longest = (std::max<std::int32_t>)(longest, s.ticks + hop);
            if (s.op == pass::weight_gradient) last_ = 2;
        }
        std::size_t size = 2;
        while (size <= static_cast<std::size_t>(longest)) size *= 2;
        calendar_.assign(size, none);
        for (std::size_t w = 0; w < rows_.size(); ++w) rows_[w].limit = limits[w];
        for (std::int32_t s = 0; s < order_.head.stages; ++s)
            rows_[static_cast<std::size_t>(order_.placement[static_cast<std::size_t>(s)])].stages.push_back(s);
    }

    /// Moves slots; if the play comes to its end the order is the new one, with its ticks after a play forwards.
    constexpr bool play(bool backwards) {
        backwards_ = backwards;
        open();
        std::size_t left = out_.size();
        for (std::size_t w = 0; w < rows_.size(); ++w) left -= step(static_cast<std::int32_t>(w), 0);
        std::int32_t* const calendar = calendar_.data();
        const std::size_t mask = calendar_.size() - 1;
        for (std::int32_t tick = 1; waiting_ > 0; ++tick) {
            std::int32_t at = std::exchange(calendar[static_cast<std::size_t>(tick) & mask], none);
            while (at != none) {
                const node n = node_at_[at];
                --waiting_;
                if (row_at_[n.worker].free <= tick) left -= step(n.worker, tick);
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
        std::int32_t free = 0;             // end of what it runs
        std::vector<std::int32_t> stages;  // that the worker holds
    };

    [[nodiscard]] static constexpr int kind_of(pass op) noexcept {
        return op == pass::forward ? 0 : op == pass::weight_gradient ? 2 : 1;
    }

    constexpr void open() {
        slot_at_ = order_.entries.data();
        out_at_ = out_.data();
        next_at_ = next_.data();
        end_at_ = ends_.data();
        row_at_ = rows_.data();
        done_at_ = done_.data();
        node_at_ = nodes_.data();
        placed_at_ = order_.placement.data();
        std::fill(ends_.begin(), ends_.end(), none);
        std::fill(done_.begin(), done_.end(), 0);
        for (std::size_t w = 0; w + 1 < order_.offsets.size(); ++w) {
            const std::int32_t from = order_.offsets[w], end = order_.offsets[w + 1];
            for (std::int32_t i = from; i < end; ++i)
                next_at_[i] = backwards_ ? (i > from ? i - 1 : none) : (i + 1 < end ? i + 1 : none);
            const std::int32_t first = backwards_ ? end - 1 : from;
            row& r = rows_[w];
            r.next = from == end ? none : first;
            r.to = first;
            r.live = r.free = 0;
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

    /// Returns the tick at which all inputs of a pass are there; none while that is not known.
    [[nodiscard]] constexpr std::int32_t arrival(int kind, int stage, std::size_t unit) const noexcept {
        const std::int32_t* const ends = end_at_ + static_cast<std::size_t>(stage) * units_ + unit;
        const int local = backwards_ ? kind + 1 : kind - 1;
        if (local >= 0 && local <= last_ && ends[static_cast<std::size_t>(local) * places_] == none) return none;
        const int from = kind == 2 ? none : source(kind, stage);
        if (from < 0 || from == order_.head.stages) return 0;
        const std::int32_t end =
            end_at_[static_cast<std::size_t>(kind) * places_ + static_cast<std::size_t>(from) * units_ + unit];
        return end == none ? none : end + travel(stage, from);
    }
    [[nodiscard]] constexpr std::int32_t arrival(const slot& s) const noexcept {
        return arrival(kind_of(s.op), s.stage, static_cast<std::size_t>(s.first));
    }
    /// Returns how many passes of the worker have their inputs, of each stage and kind the next one alone: units of a
    /// stage never overtake each other.
    [[nodiscard]] constexpr int count_ready(const row& r, std::int32_t tick) const noexcept {
        int out = 0;
        for (const std::int32_t stage : r.stages) {
            for (int kind = 0; kind <= last_; ++kind) {
                const auto done = static_cast<std::size_t>(done_at_[3 * stage + kind]);
                if (done == units_) continue;
                const std::int32_t ready = arrival(kind, stage, backwards_ ? units_ - 1 - done : done);
                if (ready != none && ready <= tick) ++out;
            }
        }
        return out;
    }
    [[nodiscard]] constexpr std::int32_t travel(int a, int b) const noexcept {
        return hop_ == 0 || placed_at_[a] == placed_at_[b] ? 0 : hop_;
    }

    /// Starts a slot of worker w, if one can start, and returns how many started: 0 or 1.
    constexpr std::size_t step(std::int32_t w, std::int32_t tick) {
        row& r = row_at_[w];
        if (r.next == none) return 0;
        std::int32_t before = none, at = r.next;
        const slot* const all = slot_at_;
        const std::int32_t ready = arrival(all[at]);
        const bool there = ready != none && ready <= tick;
        int most = r.live + change(kind_of(all[at].op));
        if (!there || most > r.limit) {
            const int others = count_ready(r, tick) - (there ? 1 : 0);
            if (others == 0) return 0;
            const std::int32_t until = ready > tick ? ready : (std::numeric_limits<std::int32_t>::max)();
            find_ready(r, tick, until, others, before, at);
            if (at == none) return 0;
        }
        (before == none ? r.next : next_at_[before]) = next_at_[at];
        start(w, r, all[at], tick);
        return 1;
    }

    /// Finds a slot behind the next one that can start now and end until then, among `others` that have their inputs;
    /// `at` is none if there is none.
    constexpr void find_ready(const row& r, std::int32_t tick, std::int32_t until, int others, std::int32_t& before,
                              std::int32_t& at) const {
        const slot* const all = slot_at_;
        int live = r.live, most = r.live;
        for (int n = 0; n < window_; ++n) {
            live += change(kind_of(all[at].op));
            most = (std::max)(most, live);
            before = std::exchange(at, next_at_[at]);
            if (at == none) return;
            const slot& s = all[at];
            const std::int32_t ready = arrival(s);
            if (ready == none || ready > tick) continue;
            if (tick + s.ticks <= until && (change(kind_of(s.op)) <= 0 || most < r.limit)) return;
            if (--others == 0) break;
        }
        at = none;
    }

    constexpr void start(std::int32_t w, row& r, const slot& s, std::int32_t tick) {
        const int kind = kind_of(s.op);
        slot& to = out_at_[r.to];
        to = s;
        to.tick = tick;
        r.free = tick + s.ticks;
        r.live += change(kind);
        ++done_at_[3 * s.stage + kind];
        end_at_[static_cast<std::size_t>(kind) * places_ + s.stage * units_ + static_cast<std::size_t>(s.first)] =
            r.free;
        wake(w, r.free, 2 * static_cast<std::size_t>(r.to));
        if (kind < 2) {
            const int reader = 2 * s.stage - source(kind, s.stage);
            if (reader >= 0 && reader < order_.head.stages && placed_at_[reader] != w)
                wake(placed_at_[reader], r.free + hop_, 2 * static_cast<std::size_t>(r.to) + 1);
        }
        r.to += backwards_ ? -1 : 1;
    }

    constexpr void wake(std::int32_t w, std::int32_t tick, std::size_t at) {
        std::int32_t& head = calendar_.data()[static_cast<std::size_t>(tick) & (calendar_.size() - 1)];
        node_at_[at] = {head, w};
        head = static_cast<std::int32_t>(at);
        ++waiting_;
    }

    schedule order_;
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
    std::vector<std::int32_t> done_;      // stage, kind: passes that have run
    std::vector<std::int32_t> calendar_;  // per tick, modulo its size: a list of nodes
    // Raw pointers to all of these: the index operator of a vector costs constant evaluation twice as much.
    const slot* slot_at_ = nullptr;
    slot* out_at_ = nullptr;
    std::int32_t* next_at_ = nullptr;
    std::int32_t* end_at_ = nullptr;
    row* row_at_ = nullptr;
    std::int32_t* done_at_ = nullptr;
    node* node_at_ = nullptr;
    const std::int32_t* placed_at_ = nullptr;
    std::int32_t waiting_ = 0;  // nodes in the calendar
};

}  // namespace chimera::detail
