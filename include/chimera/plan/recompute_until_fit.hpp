// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/bound.hpp>
#include <chimera/plan/estimator.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace chimera::detail {

/// Bytes that a stage keeps of a micro-batch under a mode; `input` is what full recompute keeps.
inline double kept_by(recompute_mode mode, const stage_sums& sum, double input) {
    switch (mode) {
        case recompute_mode::none:
            return sum.activations;
        case recompute_mode::selective:
            return sum.selective;
        case recompute_mode::layers:
            return sum.by_layers;
        default:
            return input;
    }
}

/// The next heavier mode of a stage that keeps fewer bytes; the same where there is none.
inline recompute_mode heavier(recompute_mode mode, const stage_sums& sum, bool by_layers) {
    if (mode == recompute_mode::none && sum.selective < sum.activations) return recompute_mode::selective;
    const bool lighter = mode == recompute_mode::none || mode == recompute_mode::selective;
    if (by_layers && lighter && sum.by_layers < kept_by(mode, sum, 0)) return recompute_mode::layers;
    return recompute_mode::full;
}

/// Seconds a micro-batch that a step up costs, over the bytes that it saves.
inline double price(recompute_mode from, recompute_mode to, const stage_sums& sum, double input) {
    const double seconds = recomputed_seconds(sum, to) - recomputed_seconds(sum, from);
    const double saved = kept_by(from, sum, input) - kept_by(to, sum, input);
    return saved > 0 ? seconds / saved : std::numeric_limits<double>::infinity();
}

/// Returns the place of a mode from light to heavy: a stage's mode is only ever raised.
inline int weight_of(recompute_mode mode) {
    constexpr int order[] = {0, 1, 3, 4, 2};  // none, selective, full, mixed, layers
    return order[static_cast<int>(mode)];
}

/// Raises the modes of an order's stages together, all workers at once.
class recompute_raiser {
public:
    recompute_raiser(configuration& choice, estimator& estimate, bool by_layers)
        : choice_(choice), estimate_(estimate) {
        const prepared_order& order = estimate.steps().plain();
        for (int w = 0; w < choice.schedule.workers(); ++w)
            steps_.push_back(steps_of(order.stages_of(w), estimate.steps().cost(), by_layers));
        low_.assign(steps_.size(), 0);
        for (const auto& all : steps_) high_.push_back(all.size());
    }

    /// Finds the fewest steps of each worker that suffice by bisection, then adds what others' fewer steps left open.
    /// Returns false if nothing was needed, or nothing suffices.
    bool run() {
        std::vector<std::size_t> at(steps_.size(), 0);
        if (weigh(at).fits()) return false;
        judge(at);
        while (low_ != high_) {
            for (std::size_t w = 0; w < at.size(); ++w) at[w] = next(low_[w], high_[w]);
            weigh(at);
            judge(at);
        }
        at = high_;
        while (!weigh(at).fits()) {
            bool more = false;
            for (std::size_t w = 0; w < at.size(); ++w)
                if (estimate_.steps().lacking(static_cast<int>(w)) > 0 && at[w] < steps_[w].size())
                    ++at[w], more = true;
            if (!more) return false;
        }
        return true;
    }

private:
    struct step {
        std::size_t stage = 0;
        recompute_mode to = recompute_mode::none;
    };

    /// A worker's steps from no recompute to full recompute, those first that save most for their time.
    static std::vector<step> steps_of(std::span<const std::int32_t> stages, const stage_costs& cost, bool by_layers) {
        std::vector<recompute_mode> now(stages.size(), recompute_mode::none);
        std::vector<step> out;
        for (;;) {
            double least = std::numeric_limits<double>::infinity();
            std::size_t chosen = stages.size();
            for (std::size_t k = 0; k < stages.size(); ++k) {
                const auto s = static_cast<std::size_t>(stages[k]);
                const recompute_mode to = heavier(now[k], cost.sums[s], by_layers);
                if (to == now[k]) continue;
                const double asked = price(now[k], to, cost.sums[s], cost.received[s]);
                if (chosen == stages.size() || asked < least) least = asked, chosen = k;
            }
            if (chosen == stages.size()) return out;
            const auto s = static_cast<std::size_t>(stages[chosen]);
            now[chosen] = heavier(now[chosen], cost.sums[s], by_layers);
            out.push_back({s, now[chosen]});
        }
    }
    /// Weighs the order with each worker's first steps; of a stage that several hold, the heaviest mode counts.
    const evaluator& weigh(const std::vector<std::size_t>& at) {
        std::fill(choice_.stage_recompute.begin(), choice_.stage_recompute.end(), recompute_mode::none);
        for (std::size_t w = 0; w < at.size(); ++w)
            for (std::size_t k = 0; k < at[w]; ++k) {
                recompute_mode& mode = choice_.stage_recompute[steps_[w][k].stage];
                if (weight_of(steps_[w][k].to) > weight_of(mode)) mode = steps_[w][k].to;
            }
        return estimate_.weigh(choice_);
    }
    /// Bisects, but tries few steps one by one: what a lighter mode needs while it runs may exceed a heavier one's, so
    /// that more steps need not take less.
    static std::size_t next(std::size_t low, std::size_t high) { return high - low <= 3 ? low : (low + high) / 2; }
    void judge(const std::vector<std::size_t>& at) {
        for (std::size_t w = 0; w < at.size(); ++w) {
            if (low_[w] == high_[w]) continue;
            if (estimate_.steps().lacking(static_cast<int>(w)) <= 0)
                high_[w] = at[w];
            else
                low_[w] = at[w] + 1;
        }
    }

    configuration& choice_;
    estimator& estimate_;
    std::vector<std::vector<step>> steps_;
    std::vector<std::size_t> low_, high_;
};

/// Lets stages recompute until every worker's memory suffices, on each worker those first that save most for their
/// time. The least that suffices where a worker holds one stage. False where nothing suffices, or nothing was needed.
/// `by_layers`: whether stages may recompute by layers.
inline bool raise_recompute(configuration& choice, estimator& estimate, bool by_layers) {
    choice.stage_recompute.assign(static_cast<std::size_t>(choice.schedule.stages), recompute_mode::full);
    if (!estimate.set(choice).fits()) return false;
    return recompute_raiser(choice, estimate, by_layers).run();
}

}  // namespace chimera::detail
