// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/simulate/costs.hpp>
#include <chimera/simulate/timeline.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace chimera::executor {

/// The middle one of some numbers; of an even count the lower of the two. 0 for none.
double median(std::vector<double> values);

/// The costs of measured iterations, each number the median over iterations of its mean within one.
struct fitted_costs {
    costs each;  ///< seconds per micro-batch and stage; reductions from when no member has anything else to do
    double hand_over = 0;  ///< seconds between what a step waited for (a message, a core, its worker) and its start
};
fitted_costs fit_costs(std::span<const timeline> measured);

/// Simulates a program with fitted costs, workers sharing `cores` (0: no need to), hand-overs included.
timeline simulate_fitted(const program_view& of, const fitted_costs& fitted, int cores);

/// Makespan and bubble ratio of many iterations, and one of them that is typical.
class iteration_record {
public:
    void add(const timeline& measured);
    double makespan() const { return median(makespans_); }
    double bubble_ratio() const { return median(bubbles_); }
    double last_makespan() const { return makespans_.back(); }
    double last_bubble_ratio() const { return bubbles_.back(); }
    bool empty() const { return makespans_.empty(); }
    /// The iteration nearest to the median of the latest 101, as seen when it came.
    const timeline& typical() const { return typical_; }

private:
    std::vector<double> makespans_, bubbles_;
    timeline typical_;
    double typical_makespan_ = 0;
};

}  // namespace chimera::executor
