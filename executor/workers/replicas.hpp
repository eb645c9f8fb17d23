// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/checkpoint/checkpoint.hpp>
#include <executor/data/sampler.hpp>
#include <executor/engine/worker_plan.hpp>
#include <executor/workers/backend.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace chimera::executor {

/// The tensors of one stage: its weights, and the optimiser's m and v of each.
struct stage_tensors {
    int stage = 0;
    std::vector<named_tensor> weights, moments;
};
/// In the order of a checkpoint: the weights of all stages, then the moments of all.
std::vector<named_tensor> in_order(std::span<const stage_tensors> stages);

/// All copies of all stages that the workers of this process hold, as GPT-2. Copies of one stage start, and stay, the
/// same.
class replicas {
public:
    /// `layers`: what each stage holds. `unit`: sequences and tokens of one unit. Start values depend on `seed` alone.
    /// The program and the backend must outlive it.
    replicas(backend& on, const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
             const unit_shape& unit, std::uint64_t seed);

    stage_lookup lookup();
    /// Sets the batch of an iteration; it must live until the iteration has ended.
    void set_batch(const batch& next);
    /// Loss of each unit of the last iteration, in nats; 0 where another process has it.
    std::vector<double> losses() const;

    /// Settings of the coming update of all the stages that a worker holds.
    void set_step(int worker, const adamw_step& step);
    /// Sum of squares of a stage's gradients; all members of its replica group get the same bits. To be called on the
    /// worker's own thread.
    double gradient_square_sum(int worker, int stage);
    /// Returns true if the worker is the first of those that hold the stage.
    bool is_first(int worker, int stage) { return find(worker, stage)->first; }

    /// The tensors of each stage that is held here, from its first copy here: the weights, optimiser.m.<name> and
    /// optimiser.v.<name>. Returns stages on the host as they lie there; else copies, valid until the next call.
    /// `leading`: only those whose replica group has its first worker here; of all processes together each stage once.
    std::vector<stage_tensors> tensors(bool leading = false);
    /// The tensors of a stage, wherever it is held.
    std::vector<tensor_shape> shapes(int stage) const {
        return tensors_of(config_, layers_[static_cast<std::size_t>(stage)]);
    }
    const program_view& program() const { return program_; }
    /// Gives all copies of each stage the values in what `tensors` returned last: after loading.
    void spread();

    /// The stage as the worker holds it; null where it does not, or another process plays it.
    model_stage* at(int worker, int stage) {
        const held* found = find(worker, stage);
        return found ? found->model.get() : nullptr;
    }

private:
    struct held {
        int worker = 0;
        int stage = 0;
        bool first = false;   ///< of its replica group
        bool source = false;  ///< the first of its group in this process
        std::shared_ptr<model_stage> model;
    };
    held* find(int worker, int stage);
    std::span<float> shown(held& h, const parameter& p, stored what);

    program_view program_;
    gpt2_sizes config_;
    std::vector<layer_range> layers_;
    std::vector<held> all_;
    std::map<std::tuple<int, std::string, stored>, std::vector<float>>
        copies_;                       ///< of tensors that are not on the host
    std::vector<std::int32_t> index_;  ///< workers × stages: into all_, -1 where the worker does not hold the stage
};

}  // namespace chimera::executor
