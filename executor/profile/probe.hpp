// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/io/profile.hpp>
#include <executor/workers/replicas.hpp>

#include <memory>
#include <span>
#include <vector>

namespace chimera::executor {

/// Copies of a model's stages and a batch of random tokens, used in turn by programs of the same placement.
class ground {
public:
    /// `units`: as many as the longest of the programs takes.
    ground(program first, const gpt2_sizes& config, std::span<const layer_range> layers, const unit_shape& unit,
           int units, const host_choice& how = {});
    ground(const ground&) = delete;
    ground& operator=(const ground&) = delete;

    replicas& copies() { return copies_; }
    void set_batch() { copies_.set_batch(batch_); }
    /// Parameters of a stage, gaps for alignment included.
    double parameters(int stage);
    /// Activations of one unit, bytes.
    double stash_bytes(int stage);

private:
    program program_;
    std::unique_ptr<backend> on_;
    replicas copies_;
    batch batch_;
};

/// The figures of one round of a program (medians over its iterations), or of several.
struct probe_round {
    costs each;              ///< seconds per micro-batch and stage, reductions and updates included
    profiled_engine engine;  ///< for linear families
    double makespan = 0;     ///< seconds
    double norm = 0;         ///< seconds that the worker with the most of it takes to square and add gradients
};

/// A program that runs for its costs, in rounds, so that programs can take turns and a slow spell hits them all.
class probe {
public:
    /// `cores`: that workers share, 0: no need to. The ground must outlive it.
    probe(program what, ground& on, int cores, double watchdog);
    probe(const probe&) = delete;
    probe& operator=(const probe&) = delete;

    /// Runs for about `seconds`, at least one iteration after one that warms up.
    void round(double seconds);
    /// Runs for about `seconds` as well; the median makespan.
    double makespan(double seconds);
    const std::vector<probe_round>& rounds() const { return rounds_; }
    /// Number by number the median over the rounds.
    probe_round middle_round() const;
    const program& what() const { return program_; }

private:
    double squares(communicator& end);

    program program_;
    ground& on_;
    int cores_;
    local_world world_;
    std::vector<double> norms_;  ///< of each worker in the last iteration
    std::unique_ptr<engine> engine_;
    std::vector<probe_round> rounds_;
};

}  // namespace chimera::executor
