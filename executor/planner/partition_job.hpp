// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/memory/recompute_mode.hpp>
#include <chimera/model/layer_chain.hpp>
#include <chimera/plan/hardware.hpp>

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace chimera::executor {

/// The request of `chimera partition`: a model to cut into the stages of a schedule.
struct partition_job {
    model what;
    schedule order;
    int samples = 1;  ///< of a micro-batch
    double memory = std::numeric_limits<double>::infinity();
    std::optional<recompute_mode> recompute = recompute_mode::none;  ///< none: decided here, for every stage
    std::optional<hardware> on;                                      ///< none: FLOPs stand for seconds
    std::vector<double> speeds;                                      ///< of the workers; empty: alike
    bool any_order = false;                                          ///< of workers of different speeds
    bool blocks = false;    ///< as many blocks for each stage, not the best cut
    std::vector<int> cuts;  ///< given; empty: to be found
};

/// The stages of a model on the workers of a schedule. Weights are seconds of a micro-batch, or FLOPs.
struct partition_answer {
    std::vector<int> cuts;
    std::vector<recompute_mode> modes;    ///< per stage
    std::vector<int> order;               ///< per worker of the schedule: the worker of `speeds` in its place
    std::vector<double> stages, workers;  ///< weight; a worker's is the mean of its pipelines' stages, summed
    std::vector<double> memory;           ///< per worker: bytes at its peak
    std::optional<double> bound;          ///< no cut has a slowest worker below it, if it was searched
    bool optimal = false;                 ///< proven
};

/// Finds the cut. Refuses what fits no worker, with the smallest change that would.
partition_answer solve(const partition_job& job);

/// As text and as JSON (chimera.partition, version 1).
std::string partition_text(const partition_job& job, const partition_answer& of);
std::string partition_json(const partition_job& job, const partition_answer& of);

}  // namespace chimera::executor
