// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/sort_keys.hpp>
#include <chimera/program/messages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Every worker's sends and receives in the one global order: by the tick at which the producing slot ends, then by
/// message.
///
/// All transfers of one tick form a group. This makes progress even when a send blocks until its receive is posted:
/// what precedes a worker's group of tick t are slots that start before t, which need only messages of earlier ticks,
/// and groups of earlier ticks; so, tick by tick, every worker reaches its group and both ends of each message meet in
/// it.
struct transfer_rows {
    std::vector<std::int32_t> offsets;  ///< workers + 1, into `transfers`
    std::vector<instruction> transfers;
};

/// Message indices by time, then by number: a counting sort unless a sparse grid would make that larger than the
/// messages.
[[nodiscard]] constexpr std::vector<std::int32_t> by_time(const std::vector<message>& all) {
    std::vector<std::int32_t> out(all.size(), 0);
    for (std::size_t i = 0; i < all.size(); ++i) out[i] = static_cast<std::int32_t>(i);
    std::int32_t last = 0;
    for (const message& m : all) last = (std::max)(last, m.time);
    if (static_cast<std::size_t>(last) > 8 * all.size() + 64) {
        std::vector<std::int64_t> keys;
        keys.reserve(all.size());
        for (std::size_t i = 0; i < all.size(); ++i) keys.push_back(sort_key(all[i].time, out[i]));
        sort_keys(keys);
        for (std::size_t i = 0; i < all.size(); ++i) out[i] = second_of(keys[i]);
        return out;
    }
    std::vector<std::int32_t> place(static_cast<std::size_t>(last) + 2, 0);
    for (const message& m : all) ++place[static_cast<std::size_t>(m.time) + 1];
    for (std::size_t t = 1; t < place.size(); ++t) place[t] += place[t - 1];
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto at = static_cast<std::size_t>(all[i].time);
        out[static_cast<std::size_t>(place[at]++)] = static_cast<std::int32_t>(i);
    }
    return out;
}

[[nodiscard]] constexpr instruction transfer(const message& m, std::int32_t index, bool send) noexcept {
    instruction out;
    const action recv = m.gradient ? action::recv_gradient : action::recv_activation;
    out.op = !send ? recv : m.gradient ? action::send_gradient : action::send_activation;
    out.count = m.count & 0x7f;
    out.pipeline = m.pipeline;
    out.stage = m.stage;
    out.first = m.first;
    out.peer = send ? m.to : m.from;
    out.group = m.time;
    out.message = index;
    out.list = m.link;
    return out;
}

[[nodiscard]] constexpr transfer_rows order_transfers(const std::vector<message>& all, int workers) {
    transfer_rows out{std::vector<std::int32_t>(static_cast<std::size_t>(workers) + 1, 0),
                      std::vector<instruction>(2 * all.size(), instruction{})};
    for (const message& m : all) {
        ++out.offsets[static_cast<std::size_t>(m.from) + 1];
        ++out.offsets[static_cast<std::size_t>(m.to) + 1];
    }
    for (std::size_t w = 1; w < out.offsets.size(); ++w) out.offsets[w] += out.offsets[w - 1];
    std::vector<std::int32_t> next = out.offsets;
    for (const std::int32_t i : by_time(all)) {
        const message& m = all[static_cast<std::size_t>(i)];
        out.transfers[static_cast<std::size_t>(next[static_cast<std::size_t>(m.from)]++)] = transfer(m, i, true);
        out.transfers[static_cast<std::size_t>(next[static_cast<std::size_t>(m.to)]++)] = transfer(m, i, false);
    }
    return out;
}

}  // namespace chimera::detail
