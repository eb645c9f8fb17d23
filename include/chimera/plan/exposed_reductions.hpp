// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/prepared_order.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera {

/// The times in seconds at which workers have finished their passes, and the reductions beside and after them.
struct synchronised_ends {
    double compute = 0;            ///< last end of a pass
    double exposed = 0;            ///< most that a worker's reductions last beyond its passes
    std::vector<double> finished;  ///< of every worker, reductions included
};

namespace detail {

/// Seconds by which reductions that block their worker put off the end of the passes: what does not fit into the
/// bubbles that the worker has left. `blocking`: part of a reduction in which its worker does nothing else.
inline double put_off(const timeline& played, const reduction_order& order, std::span<const double> seconds,
                      double blocking) {
    if (blocking <= 0) return 0;
    const auto workers = static_cast<std::size_t>(played.head.workers);
    std::vector<double> early(workers, 0.0);
    std::vector<std::int32_t> first(workers, -1);  // slots done at a worker's first early reduction
    for (std::size_t i = 0; i < order.stages.size(); ++i)
        for (auto k = static_cast<std::size_t>(order.offsets[i]); k < static_cast<std::size_t>(order.offsets[i + 1]);
             ++k) {
            const auto w = static_cast<std::size_t>(order.members[k].worker);
            const std::int32_t after = order.members[k].after;
            if (after == 0 || after == static_cast<std::int32_t>(played.row(order.members[k].worker).size())) continue;
            early[w] += blocking * seconds[static_cast<std::size_t>(order.stages[i])];
            first[w] = first[w] < 0 ? after : (std::min)(first[w], after);
        }
    double most = 0;
    for (std::size_t w = 0; w < workers; ++w) {
        if (first[w] < 0) continue;
        const auto row = played.row(static_cast<int>(w));
        double bubble = 0;
        for (auto i = static_cast<std::size_t>(first[w]); i < row.size(); ++i) bubble += row[i].begin - row[i - 1].end;
        most = (std::max)(most, early[w] - bubble);
    }
    return most;
}

}  // namespace detail

/// Plays the reductions of a simulated order. `seconds`: of every stage's reduction over all who hold it; 0: none. A
/// worker's reductions run one after the other in their global order, beside its passes; while any member still
/// computes, one second of a reduction takes `slowdown` seconds, and in part `blocking` of it the worker does nothing
/// else: passes end so much later, all of them, as no worker is far ahead of the others. Linear in stages · replicas,
/// and in slots if that is not 0.
[[nodiscard]] inline synchronised_ends synchronise(const timeline& played, const reduction_order& order,
                                                   std::span<const double> seconds, double slowdown,
                                                   double blocking = 0) {
    synchronised_ends out;
    const double later = detail::put_off(played, order, seconds, (std::min)(1.0, blocking));
    const auto workers = static_cast<std::size_t>(played.head.workers);
    std::vector<double> computed(workers, 0.0);
    std::vector<double> free(workers, 0.0);
    for (std::size_t w = 0; w < workers; ++w) {
        const auto row = played.row(static_cast<int>(w));
        if (!row.empty()) computed[w] = row.back().end + later;
        out.compute = (std::max)(out.compute, computed[w]);
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
            const auto row = played.row(m.worker);
            const auto after = static_cast<std::size_t>(m.after);
            const double done = after == 0 ? 0 : after == row.size() ? computed[w] : row[after - 1].end;
            start = (std::max)({start, done, free[w]});
            quiet = (std::max)(quiet, computed[w]);
        }
        const double beside = (std::min)(whole * slowdown, (std::max)(0.0, quiet - start));
        const double end = start + beside + (whole - beside / slowdown);
        for (const reduction_member& m : members) free[static_cast<std::size_t>(m.worker)] = end;
    }
    out.finished = std::move(computed);
    for (std::size_t w = 0; w < workers; ++w) {
        out.exposed = (std::max)(out.exposed, free[w] - out.finished[w]);
        out.finished[w] = (std::max)(out.finished[w], free[w]);
    }
    return out;
}

}  // namespace chimera
