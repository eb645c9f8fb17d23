// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/query.hpp>
#include <chimera/search/heuristic.hpp>
#include <chimera/search/to_schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera {

namespace detail::seek {

/// Returns the whole memory limits below the task's own that change something, from the largest to the least: every one
/// up to 32 activations, then 16 in each doubling.
inline std::vector<double> tighter_limits(const instance& task) {
    double most = 0;
    for (std::size_t w = 0; w < task.held.size(); ++w) {
        double forwards = 0;
        for (const std::int32_t l : task.held[w]) {
            const pass_chain& chain = task.pass_chains[static_cast<std::size_t>(l)];
            if (chain.op == pass::forward) forwards += chain.count;
        }
        most = (std::max)(most, (std::min)(forwards, task.limit[w]));
    }
    std::vector<double> out;
    const auto least = task.stages / task.workers;  // as `least_memory` has it: whole activations
    for (double at = least; at < most - whole;) {
        out.push_back(at);
        double step = 1;
        while (32 * step <= at) step *= 2;
        at += step;
    }
    std::reverse(out.begin(), out.end());
    return out;
}

/// Looks under tighter limits too, where something shorter may be found: a search that steers by the memory it may use
/// can miss what it finds with less.
inline void look_below(const instance& in, const search_options& options, watch& clock, heuristic& looking) {
    for (const double limit : tighter_limits(in)) {
        if (clock.cut_short() || looking.least()) return;
        instance tight = in;
        for (double& of : tight.limit) of = (std::min)(of, limit);
        clock.shown.memory = limit;
        const bounds low = find_bounds(tight);
        const double bound = in.minimise == objective::span ? low.span : low.makespan;
        if (bound >= looking.minimised() * (1 - 1e-9)) continue;
        heuristic other(tight, options, clock);
        other.run();
        looking.consider(other.best());
    }
}

/// The order as a schedule, and its figures.
inline void fill(search_result& out, const instance& in, const heuristic& looking) {
    const value& found = looking.found();
    const bounds& limits = looking.limits();
    out.order = to_schedule(in, looking.best());
    out.makespan = found.makespan;
    out.longest_span = found.span;
    // a bound and a schedule that meet are summed in different orders: the bound gives way by its last digits
    out.makespan_bound = (std::min)(limits.makespan, found.makespan);
    out.span_bound = (std::min)(limits.span, found.span);
    out.exact = looking.exact();
    if (out.exact && in.minimise == objective::makespan) out.makespan_bound = found.makespan;
    if (out.exact && in.minimise == objective::span) out.span_bound = found.span;
    for (int w = 0; w < in.workers; ++w) out.peaks.push_back(peak_units(out.order, worker{w}));
}

}  // namespace detail::seek

/// Looks for the shortest schedule of a problem and says how far from the shortest it may be. It is never longer in the
/// value minimised than a published family that keeps the problem's constraints, nor than what the same search finds
/// with fewer evaluations or with less memory for all workers (whole limits up to 32 activations, 16 in each doubling
/// above). Throws `chimera_error` for problems that make no sense: see `search_problem`.
[[nodiscard]] inline search_result search(const search_problem& problem, const search_options& options = {}) {
    detail::seek::watch clock(options);
    const detail::seek::instance in = detail::seek::lay_out(problem);
    detail::seek::heuristic looking(in, options, clock);
    looking.run();
    detail::seek::look_below(in, options, clock, looking);
    search_result out;
    detail::seek::fill(out, in, looking);
    out.evaluations = clock.shown.evaluations;
    out.cut_short = clock.cut_short();
    return out;
}

}  // namespace chimera
