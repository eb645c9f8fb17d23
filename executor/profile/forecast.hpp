// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/simulate/costs.hpp>

#include <executor/io/profile.hpp>
#include <executor/layers/stage_layers.hpp>

#include <array>
#include <span>
#include <vector>

namespace chimera::executor {

/// A stage as the executor cuts it.
struct profiled_stage {
    layer_range layers;
    bool recompute = false;
};

/// Costs of stages that were never run: sums of their layers, between the measured states of the caches, on that many
/// workers. `sequences`: per micro-batch; units of half a micro-batch (`parts` 2) are looked up as such. `reuse`: of
/// every stage. A reduction takes what it takes with a core for each member. No hand-overs in these costs.
/// Throws chimera_error where the micro-batch was not measured, naming those that were.
costs costs_of(const profile& from, std::span<const profiled_stage> stages, int sequences, int parts,
               std::span<const reuse_bytes> reuse, int workers);

/// Adds to every pass what its core loses before it, as measured with that many workers (or about as many).
void add_hand_over(costs& to, const profile& from, int sequences, int parts, int workers);

/// Bytes that one unit of each stage keeps.
std::vector<double> kept_bytes(const profile& from, std::span<const profiled_stage> stages, int sequences);

/// Of every stage, how far back its passes find their buffers when the program runs over and over: the geometric mean
/// of its passes. `kept`: bytes that one unit of each stage keeps.
std::vector<reuse_bytes> reuse_of(const program_argument& of, std::span<const double> kept);

/// An iteration of a program that was never run.
struct forecast {
    double makespan = 0;             ///< seconds
    double iteration = 0;            ///< seconds: the makespan and what surrounds it
    std::array<double, 4> passes{};  ///< seconds, see mean_passes; with hand-overs
};
/// Costs of the stages, simulated on the profile's cores with the engine's own times: starts, hand-overs, transfers,
/// the common wait before the update. `sequences`: per micro-batch.
forecast forecast_of(const profile& from, const program_argument& of, std::span<const profiled_stage> stages,
                     int sequences);

/// Forecasts with costs of passes, reductions and updates from elsewhere, without hand-overs.
forecast forecast_with(const profile& from, const program_argument& of, std::span<const profiled_stage> stages,
                       int sequences, costs with);

}  // namespace chimera::executor
