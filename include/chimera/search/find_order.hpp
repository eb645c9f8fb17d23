// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/query.hpp>
#include <chimera/search/exact.hpp>
#include <chimera/search/heuristic.hpp>
#include <chimera/search/to_schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

namespace chimera {

namespace detail::seek {

/// The order as a schedule, with what `simulate` says of it.
inline void fill(search_result& out, const instance& in, const search_problem& problem, const order& rows,
                 const bounds& limits) {
    out.order = to_schedule(in, rows);
    const metrics_report found = metrics(simulate(out.order.view(), problem.cost));
    out.makespan = found.makespan;
    out.longest_span = found.longest_span;
    // a bound and a schedule that meet are summed in different orders: the bound gives way by its last digits
    out.makespan_bound = (std::min)(limits.makespan, found.makespan);
    out.span_bound = (std::min)(limits.span, found.longest_span);
    if (out.exact && in.minimise == objective::makespan) out.makespan_bound = found.makespan;
    if (out.exact && in.minimise == objective::span) out.span_bound = found.longest_span;
    for (int w = 0; w < in.workers; ++w) out.peaks.push_back(peak_units(out.order, worker{w}));
}

}  // namespace detail::seek

namespace detail::seek {

/// Branch and bound below what was found, where the problem is small enough for it to end.
inline void close(const instance& in, heuristic& looking, search_result& out) {
    constexpr std::int32_t passes_most = 192;
    constexpr std::int64_t nodes_most = 200'000;
    if (in.passes() > passes_most || looking.cut_short()) return;
    const bool span = in.minimise == objective::span;
    const bounds limits = looking.limits();
    const double least = span ? limits.span : limits.makespan;
    const double reached = span ? looking.found().span : looking.found().makespan;
    if (reached > least * (1 + 1e-9)) {
        exact_search last(in, reached, nodes_most);
        out.exact = last.run();
        if (last.found()) looking.consider(last.rows());
    }
}

}  // namespace detail::seek

/// Looks for the shortest schedule of a problem and says how far from the shortest it may be.
/// Throws `chimera_error` for problems that make no sense: see `search_problem`.
[[nodiscard]] inline search_result search(const search_problem& problem, const search_options& options = {}) {
    const detail::seek::instance in = detail::seek::lay_out(problem);
    detail::seek::heuristic looking(in, options);
    looking.run();
    search_result out;
    detail::seek::close(in, looking, out);
    detail::seek::fill(out, in, problem, looking.best(), looking.limits());
    out.evaluations = looking.evaluations();
    out.cut_short = looking.cut_short();
    return out;
}

}  // namespace chimera
