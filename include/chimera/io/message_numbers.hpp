// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::reading {

struct transfer {
    std::array<std::int32_t, 8> key;  // to, gradient?, pipeline, stage, link, first, count, from
    std::size_t index;                // of the instruction
};

inline bool by_key(const transfer& a, const transfer& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; }

/// The sends, or the receives, by key.
inline std::vector<transfer> sorted_ends(const program& of, bool sends) {
    std::vector<transfer> out;
    for (std::int32_t w = 0; w < of.head.workers; ++w) {
        const auto from = static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w)]);
        const auto to = static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w) + 1]);
        for (std::size_t i = from; i < to; ++i) {
            const instruction& x = of.instructions[i];
            if (!is_transfer(x.op) || is_send(x.op) != sends) continue;
            const bool gradient = x.op == action::send_gradient || x.op == action::recv_gradient;
            const std::int32_t target = sends ? x.peer : w;
            const std::int32_t source = sends ? w : x.peer;
            out.push_back({{target, gradient, x.pipeline, x.stage, x.list, x.first, x.count, source}, i});
        }
    }
    std::sort(out.begin(), out.end(), by_key);
    return out;
}

/// Gives a compute step on worker w its inputs over one link, or over the chain: the receives that begin at each unit
/// it still needs.
inline void number_inputs_of(program& of, const std::vector<transfer>& receives, std::int32_t w, std::int32_t link,
                             instruction& x) {
    const bool gradient = sends_gradient(static_cast<pass>(x.op));
    for (std::int32_t u = x.first; u < x.first + x.count;) {
        const transfer wanted{{w, gradient, x.pipeline, x.stage, link, u, 0, 0}, 0};
        const auto at = std::lower_bound(receives.begin(), receives.end(), wanted, by_key);
        const bool found =
            at != receives.end() && std::equal(wanted.key.begin(), wanted.key.begin() + 6, at->key.begin());
        if (!found || of.instructions[at->index].message >= 0) {
            ++u;
            continue;
        }
        if (x.inputs++ == 0) x.message = of.messages;
        of.instructions[at->index].message = of.messages++;
        u += of.instructions[at->index].count;
    }
}

/// Gives a compute step on worker w its inputs: those of the chain, then those of its links.
inline void number_inputs(program& of, const std::vector<transfer>& receives, std::int32_t w, instruction& x) {
    const bool gradient = sends_gradient(static_cast<pass>(x.op));
    if (!gradient && x.op != action::forward) return;
    if (gradient ? x.stage + 1 != of.head.stages : x.stage != 0) number_inputs_of(of, receives, w, -1, x);
    for (std::size_t k = 0; k < of.links.size(); ++k)
        if (reads_link(of.links[k], gradient, x.stage))
            number_inputs_of(of, receives, w, static_cast<std::int32_t>(k), x);
}

/// Gives each send the number of its receive.
inline void number_sends(program& of, const std::vector<transfer>& receives) {
    const auto sends = sorted_ends(of, true);
    std::size_t r = 0;
    for (const transfer& s : sends) {
        while (r < receives.size() && receives[r].key < s.key) ++r;
        if (r == receives.size() || receives[r].key != s.key) continue;
        of.instructions[s.index].message = of.instructions[receives[r++].index].message;
    }
}

/// Numbers the messages of a program that was read, as `lower` does: consumer after consumer, so that the inputs of a
/// compute step are consecutive; and says on each compute step which those are. Transfers that no step consumes get the
/// numbers after that. A send takes the number of its receive: same tensor, same two workers; where several are the
/// same, the first goes with the first. Ends without a partner get a number of their own, so that verify can name them.
inline void number_messages(program& of) {
    of.messages = 0;
    const auto receives = sorted_ends(of, false);
    for (std::int32_t w = 0; w < of.head.workers; ++w) {
        const std::int32_t end = of.offsets[static_cast<std::size_t>(w) + 1];
        for (std::int32_t i = of.offsets[static_cast<std::size_t>(w)]; i < end; ++i) {
            instruction& x = of.instructions[static_cast<std::size_t>(i)];
            if (is_compute(x.op)) number_inputs(of, receives, w, x);
        }
    }
    for (const transfer& r : receives) {
        if (std::int32_t& message = of.instructions[r.index].message; message < 0) message = of.messages++;
    }
    number_sends(of, receives);
    for (instruction& x : of.instructions) {
        if (is_send(x.op) && x.message < 0) x.message = of.messages++;
    }
}

}  // namespace chimera::detail::reading
