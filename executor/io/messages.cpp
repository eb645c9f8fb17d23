// SPDX-License-Identifier: Apache-2.0
#include <executor/io/messages.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace chimera::executor::detail {

namespace {

struct transfer {
    std::array<std::int32_t, 7> key;  // gradient?, pipeline, stage, first, count, from, to
    std::size_t index;                // of the instruction
};

bool by_key(const transfer& a, const transfer& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; }

/// The sends, or the receives, by key.
std::vector<transfer> ends(const program& of, bool sends) {
    std::vector<transfer> out;
    for (std::int32_t w = 0; w < of.head.workers; ++w) {
        const auto from = static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w)]);
        const auto to = static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w) + 1]);
        for (std::size_t i = from; i < to; ++i) {
            const instruction& x = of.instructions[i];
            if (!is_transfer(x.op) || is_send(x.op) != sends) continue;
            const bool gradient = x.op == action::send_gradient || x.op == action::recv_gradient;
            out.push_back(
                {{gradient, x.pipeline, x.stage, x.first, x.count, sends ? w : x.peer, sends ? x.peer : w}, i});
        }
    }
    std::sort(out.begin(), out.end(), by_key);
    return out;
}

}  // namespace

void number_messages(program& of) {
    of.messages = 0;
    for (instruction& x : of.instructions) {
        x.message = is_send(x.op) ? of.messages++ : -1;
    }
    const auto sends = ends(of, true);
    const auto receives = ends(of, false);
    std::size_t s = 0;
    for (const transfer& r : receives) {
        while (s < sends.size() && sends[s].key < r.key) ++s;
        if (s == sends.size() || sends[s].key != r.key) continue;
        of.instructions[r.index].message = of.instructions[sends[s++].index].message;
    }
    for (instruction& x : of.instructions) {
        if (is_recv(x.op) && x.message < 0) x.message = of.messages++;
    }
}

}  // namespace chimera::executor::detail
