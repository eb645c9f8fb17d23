// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/mode_per_stage.hpp>

#include <executor/planner/partition_job.hpp>

#include <map>
#include <span>
#include <vector>

namespace chimera::executor {

/// The needs of one mode of recompute, of every layer and of a stage.
struct mode_lists {
    std::vector<double> extra, bytes, once;
    double each = 0, whole = 0;

    stage_mode view() const { return {extra, bytes, once, each, whole}; }
};

/// Numbers that a partitioner takes, of a job's layers and of its schedule's stages. Their sums bound what memory_peak
/// counts: what depends on a whole stage is taken at its largest.
struct partition_needs {
    explicit partition_needs(const partition_job& job);

    std::vector<double> weights, state;  ///< of every layer: seconds (or FLOPs) of a micro-batch, bytes
    std::map<recompute_mode, mode_lists> lists{{recompute_mode::none, {}}};
    std::vector<int> on;                      ///< of every stage: the first stage of those it shares workers with
    std::vector<double> in_flight, together;  ///< live micro-batches, most by itself and when its worker has most
    std::vector<double> reserved, versions;   ///< bytes beside layers, versions of the weights

    /// Weights with what the mode computes again.
    std::vector<double> seconds_in(recompute_mode mode) const;
    std::vector<double> with_once(const mode_lists& of) const;
    /// Returns true if each worker has one stage of its own.
    bool one_each() const { return one_each_; }
    /// The share of a group's sum that one of its workers has: half where two pipelines cross.
    double per_worker() const { return per_worker_; }
    /// Returns true if backwards come in two halves.
    bool split() const { return split_; }

private:
    void weigh(const partition_job& job);
    void find_holders(const schedule_view& order);
    void count_live(std::span<const slot> row, int parts);
    void find_memory(const partition_job& job);

    bool one_each_ = true;
    double per_worker_ = 1;
    bool split_ = false;
};

}  // namespace chimera::executor
