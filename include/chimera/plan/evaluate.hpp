// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/activation_peak.hpp>
#include <chimera/plan/reductions.hpp>
#include <chimera/plan/stage_costs.hpp>
#include <chimera/simulate/simulate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace chimera {

/// What a configuration takes.
struct evaluation {
    double seconds = 0;  ///< an iteration: passes, what reductions last beyond them, updates, overhead
    double compute = 0;  ///< last end of a pass
    double exposed = 0;  ///< most that a worker's reductions last beyond its passes
    double update = 0;   ///< largest of a worker
    double memory = 0;   ///< bytes, of the worker that comes closest to (or goes furthest beyond) its limit
    double lacking = 0;  ///< bytes that worker has too few; at most 0 where all fit
    int fullest = 0;     ///< which position of the pipeline group that is

    constexpr bool fits() const { return lacking <= 0; }
};

/// Evaluates configurations of one pipeline order by simulation; keeps its memory between calls.
class evaluator {
public:
    /// Seconds of an iteration. `of` must have its cuts. Linear in slots.
    evaluation operator()(const model& of, const cluster& on, const configuration& with, const layer_sums& layers,
                          prepared_family& family, const positions& at) {
        bool again = false;
        for (int s = 0; s < with.schedule.stages; ++s) again = again || with.recompute_of(s) == recompute_mode::full;
        prepared_order& order = again ? family.recomputed() : family.plain();
        cost_ = cost_stages(of, on, with, layers, order, at);
        simulate_into(played_, order.view(), cost_.seconds);
        return finish(of, on, with, order, at);
    }

    /// The same order and costs under another synchronisation.
    const timeline& played() const { return played_; }
    const stage_costs& cost() const { return cost_; }

private:
    evaluation finish(const model& of, const cluster& on, const configuration& with, prepared_order& order,
                      const positions& at) {
        const synchronised_ends ends =
            synchronise(played_, order.reductions(with.synchronisation), cost_.reduction, on.each.overlap_slowdown);
        evaluation out;
        out.compute = with.continuous ? busiest(played_) : ends.compute;
        out.exposed = ends.exposed;
        const double saved = ends.compute - out.compute;  // the ramps, where iterations follow without a drain
        const bool recomputes = with.recompute != recompute_mode::none;
        for (int w = 0; w < order.head().workers; ++w) {
            double update = 0;
            for (const std::int32_t s : order.stages_of(w)) update += cost_.update[static_cast<std::size_t>(s)];
            out.update = std::max(out.update, update);
            out.seconds = std::max(out.seconds, ends.finished[static_cast<std::size_t>(w)] + update - saved);
        }
        out.seconds += on.each.step_overhead;
        out.lacking = -std::numeric_limits<double>::infinity();
        for (int w = 0; w < order.head().workers; ++w) {
            const double bytes = memory_(of, with, order, w, cost_, recomputes);
            const double lacking = bytes - at.memory[static_cast<std::size_t>(w)];
            if (w > 0 && lacking <= out.lacking && (lacking < out.lacking || bytes <= out.memory)) continue;
            if (w > 0 && std::isinf(lacking) && bytes <= out.memory) continue;
            out.lacking = lacking;
            out.memory = bytes;
            out.fullest = w;
        }
        return out;
    }

    static double busiest(const timeline& of) {
        double most = 0;
        for (int w = 0; w < of.head.workers; ++w) {
            double busy = 0;
            for (const step& s : of.row(w)) busy += s.end - s.begin;
            most = std::max(most, busy);
        }
        return most;
    }

    stage_costs cost_;
    timeline played_;
    worker_memory memory_;
};

}  // namespace chimera
