// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/greedy.hpp>
#include <chimera/search/random.hpp>
#include <chimera/search/unit_paths.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Rules to begin with: as many units under way as a round trip takes forwards (times `share`), within the limit.
inline rules plain_rules(const instance& of, double share, bool eager, double patience, std::int32_t behind,
                         std::int32_t rush) {
    const chains chain(of);
    rules out;
    out.under_way.assign(of.lanes.size(), unbounded);
    out.behind.assign(static_cast<std::size_t>(of.workers), behind);
    out.rush.assign(static_cast<std::size_t>(of.workers), rush);
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

/// Changes one of the rules: on one worker, on it and its mirror image, from one end up to a worker, or everywhere.
class mutation {
public:
    mutation(const instance& of, draw& random)
        : of_(of), random_(random), sign_(random.index(2) == 0 ? 1 : -1), amount_(1 + random.index(3)),
          number_(random.index(of.units + 1)), what_(random.index(of.split ? 10 : 6)) {}

    void apply(rules& by) {
        const std::int32_t w = random_.index(of_.workers), last = of_.workers - 1;
        switch (random_.index(5)) {
            case 0:
            case 1:
                change(by, w);
                if (of_.pipelines > 1 && random_.index(4) != 0 && w != last - w) change(by, last - w);
                break;
            case 2:
                for (std::int32_t i = 0; i <= w; ++i) change(by, i);
                break;
            case 3:
                for (std::int32_t i = w; i <= last; ++i) change(by, i);
                break;
            default:
                for (std::int32_t i = 0; i <= last; ++i)
                    if (std::min(i, last - i) <= std::min(w, last - w) || of_.pipelines == 1) change(by, i);
                break;
        }
    }

private:
    void step(std::int32_t& number, std::int32_t least) const {
        number = std::max(least, std::min(number, of_.units) + sign_ * amount_);
    }
    void change(rules& by, std::int32_t worker) {
        const auto w = static_cast<std::size_t>(worker);
        const auto& lanes = of_.held[w];
        // the same place in each worker's list of lanes, so that one draw means the same everywhere
        const auto pick = [&](std::int32_t n) {
            return static_cast<std::size_t>(lanes[static_cast<std::size_t>(n) % lanes.size()]);
        };
        switch (what_) {
            case 0:
            case 1:
            case 2:
                for (const std::int32_t l : lanes)
                    if (of_.lanes[static_cast<std::size_t>(l)].op == pass::forward &&
                        (what_ == 0 || l == of_.lanes[pick(number_)].forward))
                        step(by.under_way[static_cast<std::size_t>(l)], 1);
                break;
            case 3:
                by.eager[w] ^= 1;
                break;
            case 4:
                step(by.rush[w], 0);
                break;
            case 5:
                if (sign_ > 0)
                    std::swap(by.rank[pick(number_)], by.rank[pick(number_ + amount_)]);
                else
                    by.rank[pick(number_)] += amount_ % 2 == 0 ? of_.stages : -of_.stages;
                break;
            case 6:
                step(by.behind[w], 0);
                break;
            case 7:
                by.behind[w] = amount_ == 3 ? unbounded : number_;
                break;
            case 8:
                by.patience[w] = 0.125 * (number_ % 9);
                break;
            default:
                step(by.rush[w], 0);
                if (by.behind[w] > of_.units) by.behind[w] = number_;
                break;
        }
    }

    const instance& of_;
    draw& random_;
    std::int32_t sign_, amount_, number_, what_;
};

inline void mutate(const instance& of, rules& by, draw& random) { mutation(of, random).apply(by); }

}  // namespace chimera::detail::seek
