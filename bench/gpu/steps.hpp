// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "suites.hpp"

namespace chimera::bench {

/// Iterations of one training run on one GPU.
struct step_job {
    const char* family;
    int workers = 1;  ///< they share the GPU
    gpt2_sizes config;
    int sequences = 1, micro_batches = 1;
    int plain = 0;   ///< timed iterations before the run goes on as a graph
    int count = 10;  ///< timed iterations as a graph
};

struct step_result {
    spread plain, graph;   ///< host's clock, from setting the batch until all work is done
    spread events;         ///< of the graph's, first begin to last end by events
    double bytes = 0;      ///< taken from the GPU, most
    double predicted = 0;  ///< of these, by the planner
    double tokens = 0;     ///< of an iteration
};

/// Stages that a worker of the family holds here.
int stages_a_worker(std::string_view family);

/// Trains on random tokens with a rate of 0: 3 iterations that are not counted before each of the two kinds.
step_result run_steps(const step_job& job);

}  // namespace chimera::bench
