// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/simulate/timeline.hpp>
#include <executor/data/sampler.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/workers/backend.hpp>

#include <span>

namespace chimera::executor {

/// What the simulation says of the coming iterations.
struct prediction {
    fitted_costs fitted;  ///< of measured iterations
    timeline expected;    ///< the simulated iteration, workers sharing the cores
    double makespan = 0;  ///< of `expected`, seconds
    double bubble_ratio = 0;
    double iteration = 0;  ///< wall time of an iteration: the makespan and what surrounds it, seconds
};

/// Cores that workers share, 0 where they need not.
struct core_shares {
    int process = 0;  ///< those of this process
    int machine = 0;  ///< all of a run on one machine
};

/// Runs iterations of the program on copies of the model that are thrown away, for about `seconds` or `most` iterations (but at
/// least four, the first not counted), fits the costs of each stage and simulates an iteration with them. Changes nothing that lasts.
/// `graph`: iterations are launched as a whole where the backend can. All processes of a run call it; rank 0 alone gets the prediction.
prediction predict(process_group& together, backend& on, const program_view& of, const gpt2_sizes& config,
                   std::span<const layer_range> layers, const unit_shape& unit, const batch& sample,
                   const core_shares& cores, double watchdog, double seconds, std::size_t most, bool graph = false);

/// On the host: workers of `threads` threads that compute at once on `cores` of the job, or on all that this process may use; 0 where
/// they suffice for all workers.
int shared_cores(int cores, int workers, int threads = 1);
/// Cores that this process may use.
int usable_cores();

}  // namespace chimera::executor
