// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/estimator.hpp>
#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>
#include <chimera/schedule/family_placement.hpp>
#include <chimera/schedule/order_ticks.hpp>

#include <algorithm>

namespace chimera {

/// Gives each configuration of a ranking an order made for the times of its stages, where its family takes ticks and
/// that order is faster and fits; ranks anew. `orders`: the cache of the plan that made the report.
inline void time_orders(plan_report& report, const model& network, const cluster& machines, order_cache& orders) {
    estimator estimate(network, machines, orders);
    for (ranked& one : report.ranking) {
        configuration timed = one.with;
        const costs& each = estimate.set(timed, true).cost().seconds;
        timed.schedule = with_ticks(timed.schedule, mean_passes(each, splits_backward(timed.schedule)));
        if (timed.schedule == one.with.schedule) continue;
        const evaluation found = estimate(timed);
        if (!found.fits() || found.seconds >= one.found.seconds) continue;
        one.with = timed;
        one.found = found;
        for (plan_class& c : report.classes)
            if (c.label == label_of(timed.schedule)) c.best = (std::min)(c.best, found.seconds);
    }
    std::stable_sort(report.ranking.begin(), report.ranking.end(), ranks_before);
}

}  // namespace chimera
