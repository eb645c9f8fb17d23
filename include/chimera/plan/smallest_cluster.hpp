// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/make_plan.hpp>

#include <cmath>
#include <cstddef>
#include <limits>

namespace chimera {

namespace detail {

inline bool fits(const model& network, const cluster& machines, plan_request asked, plan_cache& cache) {
    asked.top = 1;
    asked.any = true;
    return !make_plan(network, machines, asked, cache).ranking.empty();
}

}  // namespace detail

/// Returns the bytes a worker with which some configuration fits, at most 1 % above the least; all workers get equally
/// many. Infinity if no configuration can be built.
inline double smallest_memory(const model& network, cluster machines, const plan_request& asked, plan_cache& cache) {
    machines.memories.clear();
    const auto fits = [&](double bytes) {
        machines.memory = bytes;
        return detail::fits(network, machines, asked, cache);
    };
    if (!fits(std::numeric_limits<double>::infinity())) return std::numeric_limits<double>::infinity();
    double low = 1, high = 1 << 20;
    while (!fits(high)) low = high, high *= 2;
    while (high > 1.01 * low) {
        const double middle = std::sqrt(low * high);
        (fits(middle) ? high : low) = middle;
    }
    return high;
}

/// Returns the number of nodes with which some configuration fits, by doubling and bisection; 0 if even 1,024 times the
/// nodes do not suffice. Memory below every worker's least need never suffices.
inline int smallest_nodes(const model& network, cluster machines, const plan_request& asked, plan_cache& cache) {
    machines.speeds.clear();
    machines.memories.clear();
    const int now = machines.nodes;
    const auto fits = [&](int nodes) {
        machines.nodes = nodes;
        return detail::fits(network, machines, asked, cache);
    };
    int low = now, high = 2 * now;
    for (; !fits(high); low = high, high *= 2)
        if (high >= 1024 * now) return 0;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        (fits(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace chimera
