// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/synchronise.hpp>
#include <chimera/simulate/costs.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/timeline.hpp>

#include <executor/io/family_options.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace chimera::executor {

/// A family among others: what it would take, in the numbers that `chimera simulate` prints for it.
struct contender {
    std::string name;  ///< as on the command line: `bidirectional --split`
    family_options options;
    shape head;
    timeline played;  ///< its steps only where they were asked for
    metrics_report found;
    double peak = 0;                ///< most live activations of a worker, in those of one stage
    std::int32_t weights = 0;       ///< most stages' weights that a worker keeps, versions counted
    std::int32_t stale = 0;         ///< largest age of the weights that a gradient is computed on, in updates
    std::int64_t messages = 0;      ///< between workers
    std::int64_t reductions = 0;    ///< stages' gradients that workers hand into reductions
    std::optional<double> bytes;    ///< of all messages, where the costs say
    std::optional<double> reduced;  ///< of all that is handed into reductions, where the costs say
    double share = 1;               ///< what a stage is of a worker's share of the model
    bool front = false;             ///< nobody else is at least as good in all that is compared, and better in one

    /// Seconds (or ticks) of all workers together for a micro-batch.
    double worker_time() const { return found.makespan * head.workers / head.micro_batches; }
};

/// A family that these sizes do not allow.
struct refused_family {
    std::string name;
    std::string why;
    bool over_memory = false;  ///< it would run, but not within the contest's memory
};

/// The contest: its sizes and conditions.
struct contest {
    std::vector<std::string> families;  ///< each with its options, as `entries_of` reads them; empty: everybody
    std::vector<int> chunks;            ///< of families that have such an option and do not say; empty: their own
    int stages = 0;                     ///< of the model, the same for everybody; 0: workers count
    int workers = 0;                    ///< of a copy, the same for everybody; 0: stages count
    int width = 1;                      ///< data-parallel copies
    int micro_batches = 0;              ///< of an iteration of each copy
    reduction_start synchronisation = reduction_start::eager_opt;
    costs cost;  ///< of a stage, or of a worker's share of the model where workers count
    per_stage transfer_bytes{std::vector<double>{}};  ///< of a micro-batch at each boundary, where known
    std::optional<double> memory;                     ///< most activations of a stage that a worker may hold
    bool timelines = false;                           ///< whether to keep the steps
    std::function<void(const std::string& name, std::size_t done, std::size_t all)> progress = {};  ///< before each
    std::stop_token stop = {};  ///< asked between families: who wants no answer any more
};

/// Costs for comparison where none are given: F = 1, I = W = 1, B = 2, so that whole and halved backwards cost the
/// same.
costs plain_costs();

/// Returns the options with ticks for the costs, where the family takes ticks and has none.
family_options timed(family_options of, const costs& cost);

/// One who takes part, without a look at the contest's memory: the family's own order, or the one made for the costs
/// where that is shorter. Throws chimera_error for sizes that the family refuses.
contender enter(std::string name, family_options of, const contest& with);

/// Returns the fault of a contender's peak under the contest's memory; empty if it fits or there is no limit.
std::string over_memory(const contender& who, const contest& with);

/// Everybody who can take part, in the order of `entries_of`, and the others with the rule that they would break. Marks
/// the front. Ends early, with fewer, once asked to stop. Throws chimera_error for words that are no family.
std::vector<contender> hold(const contest& with, std::vector<refused_family>& refused);

}  // namespace chimera::executor
