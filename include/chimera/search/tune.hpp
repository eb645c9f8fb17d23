// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/chains.hpp>
#include <chimera/search/draw.hpp>
#include <chimera/search/greedy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Rules to begin with: as many units under way as a round trip takes forwards (times `share`), within the limit.
inline rules plain_rules(const instance& of, double share, bool eager, double patience) {
    const chains chain(of);
    rules out;
    out.under_way.assign(of.lanes.size(), unbounded);
    out.behind.assign(static_cast<std::size_t>(of.workers), unbounded);
    out.rank.assign(of.lanes.size(), 0);
    out.eager.assign(static_cast<std::size_t>(of.workers), eager ? 1 : 0);
    out.patience.assign(static_cast<std::size_t>(of.workers), patience);
    for (std::size_t i = 0; i < of.lanes.size(); ++i) {
        const lane& l = of.lanes[i];
        // what has come furthest goes first
        out.rank[i] = l.op == pass::forward ? 2 * of.stages - l.stage : l.stage;
        if (l.op != pass::forward) continue;
        double busy = 0;
        for (const std::int32_t other : of.held[static_cast<std::size_t>(l.worker)])
            if (of.lanes[static_cast<std::size_t>(other)].op == pass::forward)
                busy += of.lanes[static_cast<std::size_t>(other)].seconds;
        const double round = chain.head[static_cast<std::size_t>(l.gradient)] - chain.head[i];
        const double units = busy > 0 ? share * round / std::max(busy, 1e-3 * round) : l.count;
        out.under_way[i] = std::max(1, static_cast<std::int32_t>(std::min(units + 0.5, 1e6)));
    }
    return out;
}

/// Changes a rule or two.
inline void mutate(const instance& of, rules& by, draw& random) {
    const auto w = static_cast<std::size_t>(random.index(of.workers));
    const std::int32_t p = random.index(of.pipelines), s = random.index(of.stages);
    const auto f = static_cast<std::size_t>(of.id(p, s, 0));
    const auto bump = [&](std::int32_t& number, std::int32_t by_how_much) {
        if (number > of.units) number = of.units;
        number = std::max(1, number + by_how_much);
    };
    const std::int32_t sign = random.index(2) == 0 ? 1 : -1;
    switch (random.index(of.split ? 10 : 5)) {
        case 0:
            bump(by.under_way[f], sign);
            break;
        case 1: {  // all stages up to one
            for (int i = 0; i <= s; ++i) bump(by.under_way[static_cast<std::size_t>(of.id(p, i, 0))], sign);
            break;
        }
        case 2:
            bump(by.under_way[f], sign * (1 + random.index(4)));
            break;
        case 3:
            by.eager[w] ^= 1;
            break;
        case 4: {
            const auto& lanes = of.held[w];
            const auto a = static_cast<std::size_t>(
                lanes[static_cast<std::size_t>(random.index(static_cast<std::int32_t>(lanes.size())))]);
            const auto b = static_cast<std::size_t>(
                lanes[static_cast<std::size_t>(random.index(static_cast<std::int32_t>(lanes.size())))]);
            if (random.index(2) == 0)
                std::swap(by.rank[a], by.rank[b]);
            else
                by.rank[a] = random.index(2 * of.stages);
            break;
        }
        case 5:
        case 6: {
            std::int32_t& b = by.behind[w];
            if (b > of.units)
                b = random.index(of.units + 1);
            else if (random.index(4) == 0)
                b = unbounded;
            else
                b = std::max(0, b + sign * (1 + random.index(3)));
            break;
        }
        case 7:
            by.patience[w] = 0.125 * random.index(9);
            break;
        case 8:
            std::fill(by.patience.begin(), by.patience.end(), 0.125 * random.index(9));
            break;
        default: {  // weight gradients at most so far behind, on all workers from one on
            const std::int32_t value = random.index(3) == 0 ? unbounded : random.index(of.units + 1);
            for (std::size_t i = w; i < by.behind.size(); ++i) by.behind[i] = value;
            break;
        }
    }
}

}  // namespace chimera::detail::seek
