// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/core/sort_keys.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Takes the slots of an order of one pipeline one after the other, by their start, and puts each into the first gap of
/// its worker's row that is behind its inputs, is as long as the slot, and leaves the memory for what it overtakes.
/// That is the serial scheme of project scheduling, and a pass each way its double justification (Kolisch, European
/// Journal of Operational Research 90, 1996; Valls, Ballestín and Quintanilla, ibid. 165, 2005). A row's slots of one
/// stage and kind never overtake each other.
class inserter {
public:
    /// `order`: a valid one, with the ticks of its play. `limits`: most live activations per worker.
    /// `hop`: ticks that a tensor travels between workers.
    constexpr inserter(schedule order, const std::vector<std::int32_t>& limits, std::int32_t hop)
        : order_(std::move(order)), limits_(limits), hop_(hop), units_(static_cast<std::size_t>(order_.head.units())),
          places_(units_ * static_cast<std::size_t>(order_.head.stages)), live_(order_.entries.size(), 0),
          ends_(3 * places_, 0) {
        for (const slot& s : order_.entries)
            if (s.op == pass::weight_gradient) last_ = 2;
    }

    /// Puts all slots as early as they can be, or as late.
    constexpr void play(bool backwards) {
        backwards_ = backwards;
        if (backwards) mirror();
        open();
        for (const std::int64_t key : keys_) {
            const std::int32_t w = second_of(key);
            insert(w, next_[static_cast<std::size_t>(w)]++);
        }
        if (backwards) mirror();
    }

    [[nodiscard]] constexpr const schedule& order() const noexcept { return order_; }

private:
    [[nodiscard]] static constexpr int kind_of(pass op) noexcept {
        return op == pass::forward ? 0 : op == pass::weight_gradient ? 2 : 1;
    }
    /// Returns what a slot adds to the live activations of its worker.
    [[nodiscard]] constexpr int change(int kind) const noexcept {
        if (kind != 0 && kind != last_) return 0;
        return (kind == 0) == backwards_ ? -1 : 1;
    }

    /// Turns time round: the last slot of each row becomes the first, and starts at the tick at which it ended, counted
    /// from the end of all.
    constexpr void mirror() {
        std::int32_t end = 0;
        for (const slot& s : order_.entries) end = (std::max)(end, s.end());
        for (slot& s : order_.entries) s.tick = end - s.end();
        for (std::size_t w = 0; w + 1 < order_.offsets.size(); ++w) {
            slot* from = order_.entries.data() + order_.offsets[w];
            slot* to = order_.entries.data() + order_.offsets[w + 1];
            for (; to - from > 1; ++from) std::swap(*from, *--to);
        }
    }

    constexpr void open() {
        keys_.clear();
        keys_.reserve(order_.entries.size());
        next_.assign(order_.offsets.begin(), order_.offsets.end() - 1);
        for (std::size_t w = 0; w + 1 < order_.offsets.size(); ++w) {
            std::int32_t live = 0;
            for (std::int32_t i = order_.offsets[w]; i < order_.offsets[w + 1]; ++i) {
                const slot& s = order_.entries.data()[i];
                live_.data()[i] = live += change(kind_of(s.op));
                keys_.push_back(sort_key(s.tick, static_cast<std::int32_t>(w)));
            }
        }
        sort_keys(keys_);
    }

    [[nodiscard]] constexpr std::int32_t& end_of(int kind, int stage, std::size_t unit) noexcept {
        return ends_.data()[static_cast<std::size_t>(kind) * places_ + static_cast<std::size_t>(stage) * units_ + unit];
    }

    /// Returns the tick from which a slot may run: its inputs are there, and the one before it of its kind has ended.
    [[nodiscard]] constexpr std::int32_t earliest(const slot& s, int kind, std::int32_t w) noexcept {
        const auto unit = static_cast<std::size_t>(s.first);
        std::int32_t out = 0;
        const int local = backwards_ ? kind + 1 : kind - 1;
        if (local >= 0 && local <= last_) out = end_of(local, s.stage, unit);
        const int from = kind == 2 ? -1 : (kind == 0) == backwards_ ? s.stage + 1 : s.stage - 1;
        if (from >= 0 && from < order_.head.stages) {
            const bool travels = order_.placement.data()[from] != w;
            out = (std::max)(out, end_of(kind, from, unit) + (travels ? hop_ : 0));
        }
        if (backwards_ ? unit + 1 < units_ : unit > 0)
            out = (std::max)(out, end_of(kind, s.stage, backwards_ ? unit + 1 : unit - 1));
        return out;
    }

    /// Moves slot i of worker w into its gap. The slots before it in the row have been moved, those behind it have not.
    constexpr void insert(std::int32_t w, std::int32_t i) {
        slot* const all = order_.entries.data();
        std::int32_t* const live = live_.data();
        slot s = all[i];
        const int kind = kind_of(s.op), more = change(kind);
        const std::int32_t limit = limits_.data()[w], first = order_.offsets.data()[w];
        const std::int32_t from = earliest(s, kind, w);
        std::int32_t at = i;  // the first place that memory and inputs leave
        while (at > first && all[at - 1].end() > from && (more <= 0 || live[at - 1] < limit)) --at;
        const auto start = [&] { return at > first ? (std::max)(from, all[at - 1].end()) : from; };
        const auto is_full = [&] { return more > 0 && at > first && live[at - 1] >= limit; };
        while (at < i && (is_full() || start() + s.ticks > all[at].tick)) ++at;
        s.tick = start();
        for (std::int32_t k = i; k > at; --k) {
            all[k] = all[k - 1];
            live[k] = live[k - 1] + more;
        }
        all[at] = s;
        live[at] = (at > first ? live[at - 1] : 0) + more;
        end_of(kind, s.stage, static_cast<std::size_t>(s.first)) = s.end();
    }

    schedule order_;
    std::vector<std::int32_t> limits_;
    std::int32_t hop_;
    std::size_t units_;
    std::size_t places_;  // stages x units
    int last_ = 1;        // the kind that ends an activation: 1 full backward, 2 weight gradient
    bool backwards_ = false;
    std::vector<std::int32_t> live_;  // per slot: live activations of its worker after it
    std::vector<std::int32_t> ends_;  // kind, stage, unit: forwards, (input) gradients, weight gradients
    std::vector<std::int32_t> next_;  // per worker: the slot that is taken next
    std::vector<std::int64_t> keys_;  // tick and worker of all slots
};

}  // namespace chimera::detail
