// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/prepared.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera {

/// When workers are done with passes and with the reductions that go beside and after them, in seconds.
struct synchronised_ends {
    double compute = 0;            ///< last end of a pass
    double exposed = 0;            ///< most that a worker's reductions last beyond its passes
    std::vector<double> finished;  ///< of every worker, reductions included
};

/// Plays the reductions of a simulated order. `seconds`: of every stage's reduction over all who hold it; 0: none.
/// A worker's reductions run one after the other in their global order, beside its passes; while any member still computes,
/// one second of a reduction takes `slowdown` seconds. Linear in stages · replicas.
inline synchronised_ends synchronise(const timeline& of, const reduction_order& order, std::span<const double> seconds,
                                     double slowdown) {
    synchronised_ends out;
    const auto workers = static_cast<std::size_t>(of.head.workers);
    std::vector<double> computed(workers, 0.0);
    std::vector<double> free(workers, 0.0);
    for (std::size_t w = 0; w < workers; ++w) {
        const auto row = of.row(static_cast<int>(w));
        if (!row.empty()) computed[w] = row.back().end;
        out.compute = std::max(out.compute, computed[w]);
    }
    for (std::size_t i = 0; i < order.stages.size(); ++i) {
        const double whole = seconds[static_cast<std::size_t>(order.stages[i])];
        if (whole <= 0) continue;
        const std::span<const reduction_member> members(order.members.data() + order.offsets[i],
                                                        order.members.data() + order.offsets[i + 1]);
        double start = 0;
        double quiet = 0;  // when all members have computed
        for (const reduction_member& m : members) {
            const auto w = static_cast<std::size_t>(m.worker);
            const double done = m.after == 0 ? 0 : of.row(m.worker)[static_cast<std::size_t>(m.after) - 1].end;
            start = std::max({start, done, free[w]});
            quiet = std::max(quiet, computed[w]);
        }
        const double beside = std::min(whole * slowdown, std::max(0.0, quiet - start));
        const double end = start + beside + (whole - beside / slowdown);
        for (const reduction_member& m : members) free[static_cast<std::size_t>(m.worker)] = end;
    }
    out.finished = std::move(computed);
    for (std::size_t w = 0; w < workers; ++w) {
        out.exposed = std::max(out.exposed, free[w] - out.finished[w]);
        out.finished[w] = std::max(out.finished[w], free[w]);
    }
    return out;
}

}  // namespace chimera
