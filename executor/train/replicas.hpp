// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/engine/plan.hpp>
#include <executor/train/backend.hpp>
#include <executor/train/checkpoint.hpp>
#include <executor/train/sampler.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace chimera::executor {

/// All copies of all stages that a program's workers hold, as GPT-2. Copies of one stage start, and stay, the same.
class replicas {
public:
    /// `layers`: what each stage holds. `unit`: sequences and tokens of one unit. Start values depend on `seed` alone. The program and
    /// the backend must outlive it.
    replicas(backend& on, const program_view& of, const gpt2_config& config, std::span<const layer_range> layers,
             const unit_shape& unit, std::uint64_t seed);

    stage_lookup lookup();
    /// What the worker holds of a stage; null: nothing.
    model_stage* find_stage(int worker, int stage);
    /// Sets the batch of an iteration; it must live until the iteration has ended.
    void set_batch(const batch& next);
    /// Mean loss over the units of the last iteration, in nats, added in the order of the units.
    double loss() const;

    /// Settings of the coming update of all the stages that a worker holds.
    void set_step(int worker, const adamw_step& step);
    /// Sum of squares of a stage's gradients; all members of its replica group get the same bits. To be called on the worker's
    /// own thread.
    double gradient_square_sum(int worker, int stage);
    /// Whether the worker is the first of those that hold the stage.
    bool is_first(int worker, int stage) { return find(worker, stage)->first; }

    /// Each logical tensor once, from the first copy: the weights, optimiser.m.<name> and optimiser.v.<name>. Where stages are on the
    /// host, as they lie there; else copies, valid until the next call.
    std::vector<named_tensor> tensors();
    /// Gives all copies of each stage the values in what `tensors` returned last: after loading.
    void spread();

    /// Mean loss in nats per token of windows `starts` of the corpus, by a plain forward pass; whole units only, the last one filled up
    /// when there is no other. Pipelines without a common stage work side by side, on at most `cores` threads; the bits do not
    /// depend on that. To be called between iterations; the next one needs its batch set anew.
    double validate(const corpus& data, std::span<const std::size_t> starts, int cores);

private:
    struct held {
        int worker = 0;
        int stage = 0;
        bool first = false;  ///< of its replica group
        std::shared_ptr<model_stage> model;
    };
    held* find(int worker, int stage);
    std::vector<int> apart() const;
    double score(int pipeline, const batch& one);
    std::span<float> shown(held& h, const parameter& p, stored what);

    backend& on_;
    program_view program_;
    unit_shape unit_;
    std::vector<held> all_;
    std::map<std::tuple<int, std::string, stored>, std::vector<float>>
        copies_;                       ///< of tensors that are not on the host
    std::vector<std::int32_t> index_;  ///< workers × stages: into all_, -1 where the worker does not hold the stage
};

}  // namespace chimera::executor
