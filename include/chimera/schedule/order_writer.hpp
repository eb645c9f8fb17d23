// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Writes a schedule as an order alone, row after row, pass after pass, all at tick 0; `compact` or `fill` gives it
/// times.
class order_writer {
public:
    /// `slot_total`: the exact number of slots that will be added.
    constexpr order_writer(const shape& head, std::vector<std::int32_t> placement, std::size_t slot_total)
        : out_{head, std::move(placement), {}, std::vector<slot>(slot_total, slot{})} {
        out_.offsets.reserve(static_cast<std::size_t>(head.workers) + 1);
        out_.offsets.push_back(0);
        to_ = out_.entries.data();
    }

    constexpr void add(pass op, int stage, int unit) {
        to_->op = op;
        to_->stage = static_cast<std::uint16_t>(stage);
        to_->first = unit;
        ++to_;
    }
    /// The slot added last.
    [[nodiscard]] constexpr slot& last() noexcept { return to_[-1]; }
    constexpr void end_row() { out_.offsets.push_back(static_cast<std::int32_t>(to_ - out_.entries.data())); }
    [[nodiscard]] constexpr schedule take() { return std::move(out_); }

private:
    schedule out_;
    slot* to_ = nullptr;
};

/// Returns a placement with stage s on worker s modulo workers: linear if there are as many workers as stages, else
/// looped.
[[nodiscard]] constexpr std::vector<std::int32_t> looped_placement(int stages, int workers) {
    std::vector<std::int32_t> out;
    out.reserve(static_cast<std::size_t>(stages));
    for (int s = 0; s < stages; ++s) out.push_back(s % workers);
    return out;
}

/// Returns a placement that runs down the workers and up again, as often as it takes: stage s on worker
/// min(t, 2 · workers - 1 - t), t = s modulo 2 · workers.
[[nodiscard]] constexpr std::vector<std::int32_t> folded_placement(int stages, int workers) {
    std::vector<std::int32_t> out;
    out.reserve(static_cast<std::size_t>(stages));
    for (int s = 0; s < stages; ++s) {
        const int t = s % (2 * workers);
        out.push_back(t < workers ? t : 2 * workers - 1 - t);
    }
    return out;
}

}  // namespace chimera::detail
