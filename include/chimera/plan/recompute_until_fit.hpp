// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/estimator.hpp>

#include <cstddef>
#include <limits>
#include <vector>

namespace chimera::detail {

/// The next heavier mode of a stage that keeps fewer bytes; the same where there is none.
inline recompute_mode heavier(recompute_mode mode, const stage_sums& sum) {
    if (mode == recompute_mode::none && sum.selective < sum.activations) return recompute_mode::selective;
    return recompute_mode::full;
}

/// Seconds a micro-batch that a step up costs, over the bytes that it saves.
inline double price(recompute_mode from, recompute_mode to, const stage_sums& sum, double input) {
    const double seconds = to == recompute_mode::selective     ? sum.selective_time
                           : from == recompute_mode::selective ? sum.forward - sum.selective_time
                                                               : sum.forward;
    const double before = from == recompute_mode::none ? sum.activations : sum.selective;
    const double after = to == recompute_mode::selective ? sum.selective : input;
    return before > after ? seconds / (before - after) : std::numeric_limits<double>::infinity();
}

/// Lets stages recompute until every worker's memory suffices, on each worker those first that save most for their
/// time. The least that suffices where a worker holds one stage. False where nothing suffices, or nothing was needed.
inline bool raise_recompute(configuration& choice, estimator& estimate) {
    const auto stages = static_cast<std::size_t>(choice.schedule.stages);
    choice.stage_recompute.assign(stages, recompute_mode::full);
    if (!estimate.set(choice).fits()) return false;
    choice.stage_recompute.assign(stages, recompute_mode::none);
    for (bool raised = false;; raised = true) {
        const evaluator& steps = estimate.weigh(choice);
        if (steps.fits()) return raised;
        std::vector<recompute_mode> next = choice.stage_recompute;
        for (int w = 0; w < choice.schedule.workers(); ++w) {
            if (steps.lacking(w) <= 0) continue;
            double least = std::numeric_limits<double>::infinity();
            std::size_t chosen = next.size();
            for (const std::int32_t s : steps.order().stages_of(w)) {
                const auto i = static_cast<std::size_t>(s);
                const recompute_mode now = choice.stage_recompute[i];
                const recompute_mode to = heavier(now, steps.cost().sums[i]);
                if (next[i] != now) chosen = i, least = 0;  // another holder raises it already
                if (now == to) continue;
                const double asked = price(now, to, steps.cost().sums[i], steps.cost().received[i]);
                if (asked < least) least = asked, chosen = i;
            }
            if (chosen == next.size()) return false;
            next[chosen] = heavier(choice.stage_recompute[chosen], steps.cost().sums[chosen]);
        }
        choice.stage_recompute = next;
    }
}

}  // namespace chimera::detail
