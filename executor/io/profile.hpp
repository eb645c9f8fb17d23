// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>
#include <chimera/program/program.hpp>
#include <chimera/simulate/costs.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// The parts of a stage, in seconds or bytes: the kinds of its layers, and what it takes beside them to move its
/// boundary tensors. A stage takes boundary + the sum over its layers.
struct by_kind {
    double embedding = 0, block = 0, head = 0, boundary = 0;
    friend bool operator==(const by_kind&, const by_kind&) = default;
};

/// Bytes of activations, of all workers together, from which a pass takes its own again: what has been touched since
/// the last pass that touched its buffer, that buffer included. It says in which cache the pass finds it.
struct reuse_bytes {
    double forward = 0, backward = 0, input_gradient = 0, weight_gradient = 0;
    friend bool operator==(const reuse_bytes&, const reuse_bytes&) = default;
};

/// Seconds of a micro-batch's passes that find their buffers so far back.
struct profiled_passes {
    reuse_bytes reuse;
    by_kind forward, backward, input_gradient, weight_gradient;
    friend bool operator==(const profiled_passes&, const profiled_passes&) = default;
};

/// The time that the engine takes beside the passes with a number of workers.
struct profiled_engine {
    int workers = 0;
    double start = 0;      ///< seconds from an iteration's start to its first pass
    double hand_over = 0;  ///< seconds that a core (or, with a core for everyone, a worker) loses at every step
    double transfer = 0;   ///< seconds from the end of a pass to the start of the one that waits for it elsewhere
    double settle = 0;     ///< seconds from the last gradient to the first update, norms left out
    double around = 0;     ///< seconds of an iteration outside its makespan: the batch, waking up
    double slack = 1;      ///< how many times as long an iteration takes as the simulation with all that says
    friend bool operator==(const profiled_engine&, const profiled_engine&) = default;
};

/// All that was measured with one size of micro-batch.
struct profiled_batch {
    int sequences = 0;                     ///< per micro-batch
    by_kind activations;                   ///< bytes that a micro-batch keeps
    double boundary_bytes = 0;             ///< of an activation between stages
    std::vector<profiled_passes> passes;   ///< by reuse, ascending; at least one
    std::vector<profiled_passes> crowded;  ///< the same with more workers than cores; may be empty
    by_kind light_forward, recompute;      ///< seconds, of stages that recompute
    std::vector<profiled_engine> engine;   ///< by workers, ascending; at least one
    friend bool operator==(const profiled_batch&, const profiled_batch&) = default;
};

/// Workers of so many threads that compute at the same time.
constexpr int workers_at_once(int cores, int threads) { return std::max(1, cores / threads); }

/// The time that this machine takes to train one kind of model, layer by layer: chimera.profile, version 1
/// (docs/design.md). The number of blocks and how they are cut do not matter; channels, heads, vocabulary, context and
/// tokens do.
struct profile {
    gpt2_sizes model;   ///< the layers as in the job
    int tokens = 0;     ///< per sequence
    int cores = 0;      ///< that workers share
    int threads = 1;    ///< of each worker
    bool bf16 = false;  ///< weights and activations, else fp32
    by_kind parameters;
    double update = 0;           ///< seconds per parameter
    double update_versions = 0;  ///< the same where the old weights are kept
    double norm = 0;             ///< seconds per parameter to square and add its gradients
    double reduce_latency = 0;   ///< seconds of a reduction, whatever its size
    double reduce_byte = 0;      ///< seconds per byte of gradients, as many workers reducing as there are cores
    double other_load = 0;       ///< share of the cores that other programs used meanwhile
    double spread = 0;           ///< of a block's forward: how far the middle half of the rounds lies apart
    std::vector<profiled_batch> batches;  ///< by sequences, ascending
    int at_once() const { return workers_at_once(cores, threads); }
    friend bool operator==(const profile&, const profile&) = default;
};

/// Costs as chimera.costs, version 1; read_costs reads them back. Reductions with fixed times only.
std::string costs_text(const costs& of);

/// Reads a profile; throws chimera_error in one line for anything that is none.
profile read_profile(std::string_view text);
profile load_profile(const std::string& path);
/// The profile as JSON; read_profile reads it back to the same numbers.
std::string profile_text(const profile& of);

}  // namespace chimera::executor
