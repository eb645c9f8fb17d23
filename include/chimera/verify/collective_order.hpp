// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/message_laws.hpp>
#include <chimera/verify/reduction_rounds.hpp>

#include <utility>

namespace chimera::detail {

/// Two reductions, as nodes of reduction_rounds, that one worker starts one after the other; `at` counts over the whole
/// program.
struct reduction_pair {
    std::int32_t before, after, worker, at;
};

[[nodiscard]] constexpr std::vector<reduction_pair> reduction_pairs(const program_view& p,
                                                                    const reduction_rounds& rounds) {
    std::vector<reduction_pair> pairs;
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        std::int32_t before = -1;
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i) {
            const instruction& x = p.instructions[static_cast<std::size_t>(i)];
            if (x.op != action::reduce_gradient || x.stage >= reduced_of(p)) continue;
            const auto node = static_cast<std::int32_t>(rounds.node(static_cast<std::size_t>(i)));
            if (before >= 0 && before != node) pairs.push_back({before, node, w, i});
            before = node;
        }
    }
    return pairs;
}

/// Takes away, as long as there is one, a reduction that no remaining pair puts after another.
constexpr void peel(const std::vector<reduction_pair>& pairs, std::vector<std::uint8_t>& remains) {
    std::vector<std::int32_t> behind(remains.size(), 0), begin(remains.size() + 1, 0), next(pairs.size(), 0), ready;
    const auto counts = [&](const reduction_pair& e) {
        return remains[static_cast<std::size_t>(e.before)] && remains[static_cast<std::size_t>(e.after)];
    };
    for (const reduction_pair& e : pairs) {
        ++begin[static_cast<std::size_t>(e.before) + 1];
        if (counts(e)) ++behind[static_cast<std::size_t>(e.after)];
    }
    for (std::size_t s = 0; s < remains.size(); ++s) begin[s + 1] += begin[s];
    std::vector<std::int32_t> fill = begin;
    for (const reduction_pair& e : pairs)
        next[static_cast<std::size_t>(fill[static_cast<std::size_t>(e.before)]++)] = e.after;
    for (std::size_t s = 0; s < remains.size(); ++s)
        if (remains[s] && behind[s] == 0) ready.push_back(static_cast<std::int32_t>(s));
    while (!ready.empty()) {
        const auto s = static_cast<std::size_t>(ready.back());
        ready.pop_back();
        remains[s] = 0;
        for (std::int32_t k = begin[s]; k < begin[s + 1]; ++k) {
            const auto t = static_cast<std::size_t>(next[static_cast<std::size_t>(k)]);
            if (remains[t] && --behind[t] == 0) ready.push_back(static_cast<std::int32_t>(t));
        }
    }
}

/// One order of all reductions exists that every worker follows. That is what all members of every replica group need
/// to start the collectives they share in the same order; linear, where comparing every two workers would not be.
constexpr void check_collective_order(const program_view& p, report& r) {
    const reduction_rounds rounds(p);
    std::vector<reduction_pair> pairs = reduction_pairs(p, rounds);
    std::vector<std::uint8_t> remains(rounds.nodes(), 1);
    for (int ends = 0; ends < 2; ++ends) {  // from both ends: what remains lies on a cycle or between two
        peel(pairs, remains);
        for (reduction_pair& e : pairs) std::swap(e.before, e.after);
    }
    std::int32_t last = -1;
    for (const reduction_pair& e : pairs) {
        if (e.worker == last || !remains[static_cast<std::size_t>(e.before)] ||
            !remains[static_cast<std::size_t>(e.after)])
            continue;
        fault f = program_fault(p, law::synchronised, complaint::collective_order, e.worker, e.at);
        f.other = rounds.stage_of(e.before);
        for (const reduction_pair& rival : pairs)
            if (!f.peer && rival.after == e.before && rival.worker != e.worker &&
                remains[static_cast<std::size_t>(rival.before)])
                f.peer = rival.worker;
        r.add(f);
        last = e.worker;
    }
}

}  // namespace chimera::detail
