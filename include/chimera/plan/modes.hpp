// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/raise.hpp>
#include <chimera/plan/request.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace chimera::detail {

/// The best modes of one candidate.
struct mode_result {
    bool fits = false;
    configuration with;
    evaluation found;
    double lacking = std::numeric_limits<double>::infinity();  ///< bytes, of the smallest that does not fit
    std::int64_t played = 0;                                   ///< orders
    std::int64_t slots = 0;
};

/// Finds a candidate's best layout, ZeRO level, recompute and synchronisation, all others given.
class mode_search {
public:
    mode_search(const model& of, const cluster& on, const plan_request& asked, estimator& estimate)
        : of_(of), on_(on), asked_(asked), estimate_(estimate) {}

    /// How many combinations there are.
    std::int64_t count(const configuration& of) const {
        return static_cast<std::int64_t>(layouts(of).size() * levels(of).size() * asked_.recompute.size() *
                                         asked_.synchronisation.size());
    }

    mode_result best(const configuration& of) {
        mode_result out;
        for (const layout order : layouts(of)) {
            double least = 0;  // seconds of the passes at a lower ZeRO level, which a higher one only adds to
            for (const int zero : levels(of)) {
                configuration one = of;
                one.order = order;
                one.zero = zero;
                if (asked_.prune && out.fits && least + on_.each.step_overhead >= out.found.seconds) continue;
                const double passes = try_recompute(one, out);
                if (passes > 0) least = std::max(least, passes);
            }
        }
        return out;
    }

private:
    static constexpr layout both[] = {layout::copies_together, layout::stages_together};

    std::vector<layout> layouts(const configuration& of) const {
        const bool apart =
            on_.nodes > 1 && on_.workers_per_node > of.tensor && of.width > 1 && of.schedule.workers() > 1;
        return apart ? std::vector<layout>{both[0], both[1]} : std::vector<layout>{both[0]};
    }
    /// Levels that differ: with one replica there is nothing to share.
    std::vector<int> levels(const configuration& of) const {
        if (of.width * of.schedule.placements() > of.schedule.stages) return asked_.zero;
        return {asked_.zero.front()};
    }

    /// Tries recompute modes. All others only add to the passes, so none is the best where it fits. Of the others neither is:
    /// recomputing all may fit into a bubble before the backward, a part is repeated within it.
    /// Returns the seconds of its passes with nothing recomputed in them where that was played; else 0.
    double try_recompute(const configuration& of, mode_result& out) {
        double passes = 0;
        for (const recompute_mode mode : asked_.recompute) {
            configuration one = of;
            one.recompute = mode;
            if (mode == recompute_mode::mixed && !raise_recompute(one, estimate_)) continue;
            evaluator& steps = estimate_.set(one);
            if (!steps.fits()) {
                out.lacking = std::min(out.lacking, steps.memory().lacking);
                continue;
            }
            const double end = steps.play();
            ++out.played;
            out.slots += static_cast<std::int64_t>(steps.played().steps.size());
            if (mode == recompute_mode::none) passes = end;
            for (const sync when : asked_.synchronisation) {
                one.synchronisation = when;
                const evaluation found = steps.time(on_, one);
                if (out.fits && found.seconds >= out.found.seconds) continue;
                out.fits = true;
                out.found = found;
                out.with = one;
            }
            if (asked_.prune && mode == recompute_mode::none) break;
        }
        return passes;
    }

    const model& of_;
    const cluster& on_;
    const plan_request& asked_;
    estimator& estimate_;
};

}  // namespace chimera::detail
