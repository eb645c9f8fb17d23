// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// A list scheduler on the tick grid. It reads the row of a worker as two lanes, weight gradients and all else, and
/// keeps the order of each. A free worker runs the next slot of the second lane if that is ready and its memory allows,
/// else the next weight gradient. It goes event by event: linear in slots.
class filler {
public:
    /// `hop`: ticks that a tensor of one unit travels between workers.
    constexpr filler(schedule_view table, std::vector<std::int32_t> limits, std::int32_t hop = 0)
        : of_(table), hop_(hop), units_(static_cast<std::size_t>(table.head.units())),
          gradients_(units_ * static_cast<std::size_t>(table.head.stages)), ends_(2 * gradients_, missing),
          rows_(static_cast<std::size_t>(table.head.workers)), out_{table.head,
                                                                    {table.placement.begin(), table.placement.end()},
                                                                    {table.offsets.begin(), table.offsets.end()},
                                                                    std::vector<slot>(table.entries.size(), slot{}),
                                                                    {table.links.begin(), table.links.end()}} {
        std::int32_t longest = 1;
        for (const slot& s : table.entries) longest = (std::max<std::int32_t>)(longest, s.ticks + hop * s.count);
        std::size_t size = 2;
        while (size <= static_cast<std::size_t>(longest)) size *= 2;
        calendar_ = std::vector<std::int32_t>(size, no_worker);
        for (std::size_t w = 0; w < rows_.size(); ++w) {
            const std::int32_t from = table.offsets[w];
            rows_[w] = {from, from, from, table.offsets[w + 1], 0, limits[w], no_worker};
            wake(static_cast<std::int32_t>(w), 0);
        }
    }

    constexpr schedule run() {
        if (!play())
            refuse("the order cannot run (it waits for itself, or the memory is too small) verify it or allow more");
        return take();
    }

    /// Returns false if the order cannot run within the limits; else `take()` is the new one.
    constexpr bool play() {
        std::size_t left = of_.entries.size();
        const std::size_t mask = calendar_.size() - 1;
        for (std::int32_t tick = 0; waiting_ > 0; ++tick) {
            std::int32_t w = calendar_[static_cast<std::size_t>(tick) & mask];
            calendar_[static_cast<std::size_t>(tick) & mask] = no_worker;
            while (w != no_worker) {
                const std::int32_t next = rows_[static_cast<std::size_t>(w)].next;
                --waiting_;
                left -= step(w, tick);
                w = next;
            }
        }
        return left == 0;
    }
    constexpr schedule take() { return std::move(out_); }

private:
    static constexpr std::int32_t missing = -1;
    static constexpr std::int32_t no_worker = -1;

    struct row {
        std::int32_t at = 0;      // next slot that is no weight gradient
        std::int32_t weight = 0;  // next weight gradient
        std::int32_t to = 0;      // where the next slot goes
        std::int32_t end = 0;
        std::int32_t live = 0;
        std::int32_t limit = 0;
        std::int32_t next = no_worker;  // in the calendar's list
        bool idle = false;              // waits for an input
    };

    constexpr void wake(std::int32_t w, std::int32_t tick) {
        std::int32_t& head = calendar_[static_cast<std::size_t>(tick) & (calendar_.size() - 1)];
        row& r = rows_[static_cast<std::size_t>(w)];
        r.idle = false;
        r.next = head;
        head = w;
        ++waiting_;
    }

    /// Starts a slot of worker w at `tick` if one can start, and returns how many started: 0 or 1. If none can, the
    /// worker looks again when its input is there.
    constexpr std::size_t step(std::int32_t w, std::int32_t tick) {
        row& r = rows_[static_cast<std::size_t>(w)];
        const slot* const all = of_.entries.data();
        while (r.at != r.end && all[r.at].op == pass::weight_gradient) ++r.at;
        while (r.weight != r.end && all[r.weight].op != pass::weight_gradient) ++r.weight;
        std::int32_t ready = missing;
        if (r.at != r.end && (all[r.at].op != pass::forward || r.live + all[r.at].count <= r.limit)) {
            ready = inputs_end(all[r.at]);
            if (ready != missing && ready <= tick) return start(w, r, r.at++, tick);
        }
        // A weight gradient stands behind its input gradient in the row.
        if (r.weight < r.at) return start(w, r, r.weight++, tick);
        if (ready != missing)
            wake(w, ready);
        else
            r.idle = true;
        return 0;
    }

    /// Returns the tick at which all inputs of the slot are made; `missing` while that is not known.
    [[nodiscard]] constexpr std::int32_t inputs_end(const slot& s) const noexcept {
        const bool forward = s.op == pass::forward;
        if (!forward && !sends_gradient(s.op)) return 0;
        if (forward ? s.stage == 0 : s.stage + 1 == of_.head.stages) return 0;
        const std::int32_t* const from = ends_.data() +
                                         (forward ? (s.stage - 1u) * units_ : gradients_ + (s.stage + 1u) * units_) +
                                         static_cast<std::size_t>(s.first);
        std::int32_t end = 0;
        for (int u = 0; u < s.count; ++u) {
            if (from[u] == missing) return missing;
            end = (std::max)(end, from[u]);
        }
        return hop_ == 0 ? end : end + travel(s, forward ? s.stage - 1 : s.stage + 1);
    }

    /// Returns the ticks between the workers of a slot and of another stage.
    [[nodiscard]] constexpr std::int32_t travel(const slot& s, int stage) const noexcept {
        if (of_.worker_of(s.pipeline, stage) == of_.worker_of(s.pipeline, s.stage)) return 0;
        return hop_ * s.count;
    }

    constexpr std::size_t start(std::int32_t w, row& r, std::int32_t index, std::int32_t tick) {
        slot& s = out_.entries[static_cast<std::size_t>(r.to++)];
        s = of_.entries[static_cast<std::size_t>(index)];
        s.tick = tick;
        if (s.op == pass::forward) r.live += s.count;
        if (ends_activation(s.op)) r.live -= s.count;
        if (s.op == pass::forward || sends_gradient(s.op)) hand_on(s);
        wake(w, s.end());
        return 1;
    }

    constexpr void hand_on(const slot& s) {
        const bool forward = s.op == pass::forward;
        std::int32_t* const own =
            ends_.data() + (forward ? 0 : gradients_) + s.stage * units_ + static_cast<std::size_t>(s.first);
        for (int u = 0; u < s.count; ++u) own[u] = s.end();
        const int next = forward ? s.stage + 1 : s.stage - 1;
        if (next < 0 || next == of_.head.stages) return;
        const std::int32_t consumer = of_.worker_of(s.pipeline, next);
        if (rows_[static_cast<std::size_t>(consumer)].idle)
            wake(consumer, hop_ == 0 ? s.end() : s.end() + travel(s, next));
    }

    schedule_view of_;
    std::int32_t hop_;
    std::size_t units_;
    std::size_t gradients_;           // where gradients begin in `ends_`
    std::vector<std::int32_t> ends_;  // of forward (stage, unit), then of its (input) gradient
    std::vector<row> rows_;
    std::vector<std::int32_t>
        calendar_;              // per tick, modulo its size: the first worker to look at; a list through row::next
    std::int32_t waiting_ = 0;  // workers in the calendar
    schedule out_;
};

}  // namespace chimera::detail
