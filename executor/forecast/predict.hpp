// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/simulate/timeline.hpp>
#include <executor/data/sampler.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/workers/backend.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace chimera::executor {

/// The simulated time of the coming iterations.
struct prediction {
    fitted_costs fitted;  ///< of measured iterations
    timeline expected;    ///< the simulated iteration, workers sharing the cores
    double makespan = 0;  ///< of `expected`, seconds
    double bubble_ratio = 0;
    double iteration = 0;   ///< wall time of an iteration: the makespan and what surrounds it, seconds
    double setting_up = 0;  ///< seconds that the weights' start values took
    double pause = 0;       ///< seconds without progress from which on a worker counts as hung; known to all processes
};

/// Cores that workers share, 0 where they need not.
struct core_shares {
    int process = 0;  ///< those of this process
    int machine = 0;  ///< all of a run on one machine
};

/// A trial of a run: its program and model, and how long to measure.
struct trial_run {
    program_view order;
    const gpt2_sizes& model;
    std::span<const layer_range> layers;  ///< of each stage
    unit_shape unit;
    const batch& sample;  ///< trained on in every iteration
    core_shares cores;
    double watchdog = 30;         ///< least seconds without progress until the trial is given up
    double seconds = 0;           ///< about how long to measure
    std::size_t most = 0;         ///< iterations to measure at most, but at least three where they fit into `seconds`
    bool graph = false;           ///< iterations are launched as a whole where the backend can
    std::string recorder_file{};  ///< where the flight recorders are written after a failure; empty: nowhere
};

/// Runs iterations of a trial on copies of the model that are thrown away (at least two, the first not counted; or one
/// that takes more than eight times `seconds`), fits the costs of each stage and simulates an iteration with them.
/// Changes nothing that lasts. All processes of a run call it; rank 0 alone gets the prediction, all get `pause`.
prediction predict(process_group& together, backend& on, const trial_run& trial);

/// Passes through layers that this process does in an iteration: forwards, recomputes, and backwards, whose halves
/// count once each. `layers`: of each stage.
std::uint64_t passes_through_layers(const process_group& together, program_view order,
                                    std::span<const layer_range> layers);

/// On the host: workers of `threads` threads that compute at once on `cores` of the job, or on all that this process
/// may use; 0 where they suffice for all workers.
int shared_cores(int cores, int workers, int threads = 1);

}  // namespace chimera::executor
