// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <algorithm>
#include <vector>

/// Programs written by hand: two workers, two stages, one pipeline; stage 1 on worker 1.
namespace by_hand {

using chimera::action;
using chimera::instruction;

inline instruction compute(action op, int stage, int unit, int buffer) {
    return {op, 1, 0, 0, static_cast<std::uint16_t>(stage), 0, 0, unit, -1, buffer, -1, -1, -1};
}
inline instruction move(action op, int stage, int unit, int peer, int message, int group = -1) {
    return {op, 1, 0, 0, static_cast<std::uint16_t>(stage), 0, 0, unit, peer, -1, group, message, -1};
}
inline instruction whole(action op, int stage) {
    return {op, 1, 0, 0, static_cast<std::uint16_t>(stage), 0, 0, -1, -1, -1, -1, -1, -1};
}

inline chimera::program make(const std::vector<std::vector<instruction>>& rows, int units, std::vector<int> buffers) {
    chimera::program p;
    const int workers = static_cast<int>(rows.size());
    p.head = {"by_hand", workers, workers, 1, units, 1};
    p.offsets.push_back(0);
    p.member_offsets.push_back(0);
    for (int w = 0; w < workers; ++w) {
        const auto& row = rows[static_cast<std::size_t>(w)];
        p.instructions.insert(p.instructions.end(), row.begin(), row.end());
        p.offsets.push_back(static_cast<std::int32_t>(p.instructions.size()));
        p.placement.push_back(w);
        p.members.push_back(w);
        p.member_offsets.push_back(w + 1);
        for (const instruction& i : row) p.messages = std::max(p.messages, i.message + 1);
    }
    p.buffer_counts.assign(buffers.begin(), buffers.end());
    return p;
}

/// Forward and backward of two units through two stages, then the update. In the middle the workers swap tensors: with
/// `group` = -1 each waits under rendezvous for the other to receive first.
inline chimera::program two_workers(int group = 0) {
    using enum action;
    return make({{compute(forward, 0, 0, 0), move(send_activation, 1, 0, 1, 0), compute(forward, 0, 1, 1),
                  move(send_activation, 1, 1, 1, 1, group), move(recv_gradient, 0, 0, 1, 2, group),
                  compute(backward, 0, 0, 0), move(recv_gradient, 0, 1, 1, 3), compute(backward, 0, 1, 1),
                  whole(reduce_gradient, 0), whole(wait_gradient, 0), whole(update_weights, 0)},
                 {move(recv_activation, 1, 0, 0, 0), compute(forward, 1, 0, 0), compute(backward, 1, 0, 0),
                  move(send_gradient, 0, 0, 0, 2, group), move(recv_activation, 1, 1, 0, 1, group),
                  compute(forward, 1, 1, 0), compute(backward, 1, 1, 0), move(send_gradient, 0, 1, 0, 3),
                  whole(reduce_gradient, 1), whole(wait_gradient, 1), whole(update_weights, 1)}},
                2, {2, 1});
}

}  // namespace by_hand
