// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/random.hpp>
#include <chimera/search/greedy.hpp>
#include <chimera/search/unit_paths.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Rules to begin with: as many units under way as a round trip takes forwards (times `share`), within the limit.
inline rules plain_rules(const instance& task, double share, bool eager, double patience, std::int32_t behind,
                         std::int32_t rush) {
    const chains chain(task);
    rules out;
    out.under_way.assign(task.pass_chains.size(), unbounded);
    out.behind.assign(static_cast<std::size_t>(task.workers), behind);
    out.rush.assign(static_cast<std::size_t>(task.workers), rush);
    out.rank.assign(task.pass_chains.size(), 0);
    out.eager.assign(static_cast<std::size_t>(task.workers), eager ? 1 : 0);
    out.patience.assign(static_cast<std::size_t>(task.workers), patience);
    for (std::size_t i = 0; i < task.pass_chains.size(); ++i) {
        const pass_chain& l = task.pass_chains[i];
        // what has come furthest goes first
        out.rank[i] = l.op == pass::forward ? 2 * task.stages - l.stage : l.stage;
        if (l.op != pass::forward) continue;
        double busy = 0;
        for (const std::int32_t other : task.held[static_cast<std::size_t>(l.worker)])
            if (task.pass_chains[static_cast<std::size_t>(other)].op == pass::forward)
                busy += task.pass_chains[static_cast<std::size_t>(other)].seconds;
        const double round = chain.head[static_cast<std::size_t>(l.gradient)] - chain.head[i];
        const double units = busy > 0 ? share * round / (std::max)(busy, 1e-3 * round) : l.count;
        out.under_way[i] = (std::max)(1, static_cast<std::int32_t>((std::min)(units + 0.5, 1e6)));
    }
    return out;
}

/// Changes one of the rules: on one worker, on it and its mirror image, from one end up to a worker, or everywhere.
class mutation {
public:
    mutation(const instance& task, draw& random)
        : of_(task), random_(random), sign_(random.index(2) == 0 ? 1 : -1), amount_(1 + random.index(3)),
          number_(random.index(task.units + 1)), what_(random.index(task.split ? 10 : 6)) {}

    void apply(rules& rule_set) {
        const std::int32_t w = random_.index(of_.workers), last = of_.workers - 1;
        switch (random_.index(5)) {
            case 0:
            case 1:
                change(rule_set, w);
                if (of_.pipelines > 1 && random_.index(4) != 0 && w != last - w) change(rule_set, last - w);
                break;
            case 2:
                for (std::int32_t i = 0; i <= w; ++i) change(rule_set, i);
                break;
            case 3:
                for (std::int32_t i = w; i <= last; ++i) change(rule_set, i);
                break;
            default:
                for (std::int32_t i = 0; i <= last; ++i)
                    if ((std::min)(i, last - i) <= (std::min)(w, last - w) || of_.pipelines == 1) change(rule_set, i);
                break;
        }
    }

private:
    void step(std::int32_t& number, std::int32_t least) const {
        number = (std::max)(least, (std::min)(number, of_.units) + sign_ * amount_);
    }
    /// Changes the limit of one forward chain of a worker, or of all for mutation 0.
    void change_under_way(rules& rule_set, std::size_t worker, std::int32_t chosen) const {
        for (const std::int32_t l : of_.held[worker])
            if (of_.pass_chains[static_cast<std::size_t>(l)].op == pass::forward && (what_ == 0 || l == chosen))
                step(rule_set.under_way[static_cast<std::size_t>(l)], 1);
    }
    void change(rules& rule_set, std::int32_t worker) {
        const auto w = static_cast<std::size_t>(worker);
        const auto& pass_chains = of_.held[w];
        // the same place in each worker's list of pass chains, so that one draw means the same everywhere
        const auto pick = [&](std::int32_t n) {
            return static_cast<std::size_t>(pass_chains[static_cast<std::size_t>(n) % pass_chains.size()]);
        };
        switch (what_) {
            case 0:
            case 1:
            case 2:
                change_under_way(rule_set, w,
                                 what_ == 0 || pass_chains.empty() ? -1 : of_.pass_chains[pick(number_)].forward);
                break;
            case 3:
                rule_set.eager[w] ^= 1;
                break;
            case 5:
                if (sign_ > 0)
                    std::swap(rule_set.rank[pick(number_)], rule_set.rank[pick(number_ + amount_)]);
                else
                    rule_set.rank[pick(number_)] += amount_ % 2 == 0 ? of_.stages : -of_.stages;
                break;
            case 6:
                step(rule_set.behind[w], 0);
                break;
            case 7:
                rule_set.behind[w] = amount_ == 3 ? unbounded : number_;
                break;
            case 8:
                rule_set.patience[w] = 0.125 * (number_ % 9);
                break;
            default:  // 4: the rush alone
                step(rule_set.rush[w], 0);
                if (what_ != 4 && rule_set.behind[w] > of_.units) rule_set.behind[w] = number_;
                break;
        }
    }

    const instance& of_;
    draw& random_;
    std::int32_t sign_, amount_, number_, what_;
};

inline void mutate(const instance& task, rules& rule_set, draw& random) { mutation(task, random).apply(rule_set); }

}  // namespace chimera::detail::seek
