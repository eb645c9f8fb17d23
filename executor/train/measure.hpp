// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/costs.hpp>
#include <chimera/simulate/timeline.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace chimera::executor {

/// The middle one of some numbers; of an even count the lower of the two. 0 for none.
double median(std::vector<double> values);

/// What the steps of measured iterations cost: per stage the median over iterations and steps, in seconds per micro-batch.
/// Reductions count from the moment when all members had nothing else to do.
costs fit_costs(std::span<const timeline> measured);

/// Makespan and bubble ratio of many iterations, and one of them that is typical.
class iteration_record {
public:
    void add(const timeline& measured);
    double makespan() const { return median(makespans_); }
    double bubble_ratio() const { return median(bubbles_); }
    double last_makespan() const { return makespans_.back(); }
    double last_bubble_ratio() const { return bubbles_.back(); }
    bool empty() const { return makespans_.empty(); }
    /// The latest iteration that took no longer than the median of the 101 before it.
    const timeline& typical() const { return typical_; }

private:
    std::vector<double> makespans_, bubbles_;
    timeline typical_;
};

}  // namespace chimera::executor
