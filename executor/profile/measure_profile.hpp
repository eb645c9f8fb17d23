// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/profile.hpp>

#include <functional>
#include <string>
#include <vector>

namespace chimera::executor {

/// The choice of measurements, and their duration.
struct profile_request {
    gpt2_sizes model;
    int tokens = 0;                                 ///< per sequence
    std::vector<int> sequences;                     ///< per micro-batch, ascending
    std::vector<int> workers;                       ///< pipelines of so many, ascending, each at least 2
    int cores = 0;                                  ///< that workers share; 0: all that this process may use
    int threads = 1;                                ///< of each worker
    bool bf16 = false;                              ///< weights and activations; wants a processor that computes so
    double seconds = 30;                            ///< about; at least three rounds are run
    double watchdog = 60;                           ///< seconds without progress
    std::function<void(const std::string&)> say{};  ///< progress lines
};

/// Measures layers and engine through programs that the engine runs. All cores are busy with copies of one small model:
/// an embedding, a stage without layers, two stages of two blocks and a head, all on one worker; forwards of 1, 2, 4 …
/// micro-batches before their backwards, so that activations come back from ever farther caches; then with split
/// backwards, with recompute, and real pipelines of the workers asked for. Programs take turns in rounds; every number
/// is the median over rounds of medians over iterations. Throws chimera_error where memory does not suffice, or the
/// processor has no bf16.
profile measure_profile(const profile_request& wanted);

}  // namespace chimera::executor
