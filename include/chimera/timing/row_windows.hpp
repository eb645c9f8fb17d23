// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace chimera::detail {

/// Asks for the cache line at `p` ahead of its use. It and its callers are inlined, since GCC drops calls that do
/// nothing else.
[[gnu::always_inline]] constexpr void expect(const void* p) {
    if (!std::is_constant_evaluated()) __builtin_prefetch(p, 1);
}

/// A slot on its way through a player, with the times it gets.
template <class Time>
struct played_slot {
    slot what;
    Time begin = 0;
    Time end = 0;
};

/// A worker on its way along its row.
template <class Time>
struct lane {
    played_slot<Time>* at = nullptr;   // next to play
    played_slot<Time>* end = nullptr;  // of what the window holds
    Time clock = 0;                    // end of what it has played
    std::int32_t loaded = 0;           // first slot of the schedule that has not been in the window
    std::int32_t last = 0;             // end of the row
};

/// A small window on every row, side by side. Rows lie far apart in memory, often by a power of two, so that a walk
/// along all of them would use one set of the cache. Windows are filled and emptied in bursts, no two at the same time.
///
/// `sink(index, slot, begin, end)` receives every slot when its window empties, and may write to the schedule;
/// `sink.expect(index)` announces that for four slots from `index`.
template <class Time, class Sink>
class row_windows {
public:
    using entry = played_slot<Time>;

    constexpr row_windows(schedule_view timetable, Sink sink)
        : of_(timetable), sink_(sink), entries_(static_cast<std::size_t>(timetable.head.workers) * stride, entry{}) {}

    [[nodiscard]] constexpr lane<Time> open(std::size_t w) noexcept {
        entry* const base = entries_.data() + w * stride;
        return {base, base, 0, of_.offsets[w], of_.offsets[w + 1]};
    }

    /// Returns the first entry of a worker's window.
    [[nodiscard]] constexpr const entry* front(std::size_t w) const noexcept { return entries_.data() + w * stride; }

    /// Hands the played slots to the sink and fills the window again. Returns false at the end of the row.
    constexpr bool refill(lane<Time>& l, std::size_t w) {
        entry* to = entries_.data() + w * stride;
        empty(l, to);
        l.at = l.end = to;
        if (l.loaded == l.last) return false;
        std::ptrdiff_t count = l.loaded == of_.offsets[w] ? 1 + static_cast<std::ptrdiff_t>(5 * w % size) : size;
        if (l.last - l.loaded < count) count = l.last - l.loaded;
        const slot* from = of_.entries.data() + l.loaded;
        for (const slot* const last = from + count; from != last; ++from, ++to) to->what = *from;
        l.loaded += static_cast<std::int32_t>(count);
        if (from[-1].overlap != 0 && l.loaded != l.last) {
            (to++)->what = *from;
            ++l.loaded;
        }
        l.end = to;
        return true;
    }

    /// Announces to the caches that the window is about to empty.
    [[gnu::always_inline]] constexpr void announce(const lane<Time>& l) const {
        if (of_.entries.size() < large || std::is_constant_evaluated()) return;
        constexpr std::int32_t line = 4;
        const auto last = static_cast<std::int32_t>(of_.entries.size()) - 1;
        for (std::int32_t i = 0; i < size; i += line) {
            expect(of_.entries.data() + (std::min)(l.loaded + i, last));
            sink_.expect(static_cast<std::size_t>((std::max)(l.loaded - size + i, 0)));
        }
    }

private:
    static constexpr int size = 32;
    static constexpr std::size_t large = 65536;      // slots: fewer stay in the cache anyway
    static constexpr std::size_t stride = size + 2;  // one more for a pair's second half, one against aliasing

    constexpr void empty(const lane<Time>& l, const entry* from) {
        auto index = static_cast<std::size_t>(l.loaded - (l.end - from));
        for (; from != l.at; ++from, ++index) sink_(index, from->what, from->begin, from->end);
    }

    schedule_view of_;
    Sink sink_;
    std::vector<entry> entries_;
};

}  // namespace chimera::detail
