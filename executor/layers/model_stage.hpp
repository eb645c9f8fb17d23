// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/shapes.hpp>
#include <executor/engine/stage.hpp>
#include <executor/layers/batches.hpp>
#include <executor/layers/parameters.hpp>
#include <executor/layers/training_state.hpp>

namespace chimera::executor {

/// A stage as the trainer sees it, whatever device it is on: what the engine does not ask of it.
class model_stage : public stage {
public:
    /// Batch of the units from 0 on. Throws chimera_error on a token or target outside the vocabulary or a wrong
    /// length.
    virtual void set_batch(std::span<const unit_batch> units) = 0;
    /// Mean loss of each unit of the batch over its tokens, in nats; last stage only, 0 for units it has not seen.
    virtual std::span<const double> losses() = 0;
    /// Forward pass that no backward follows: for a validation loss. Input and output as in forward; done when it
    /// returns. To be prepared for by prepare_light.
    virtual void evaluate(int unit, const std::byte* input, std::byte* output) = 0;

    /// Sum of the squares of all gradients, for clipping by global norm.
    virtual double gradient_square_sum() = 0;
    /// Settings of the coming updates.
    virtual void set_step(const adamw_step& step) = 0;

    /// Room for so many numbers in the device's memory, zeroed; what was handed out before is gone.
    virtual double* numbers(std::size_t count) = 0;
    /// The sum of squares, put there.
    virtual void gradient_square_sum(double* to) = 0;
    /// Settings of the updates of an iteration, one after the other, but for what clips them.
    virtual void set_steps(std::span<const adamw_step> each) = 0;
    /// The next update is number `update` of the iteration, averaged and clipped like this.
    virtual void clip(const norm_limit& by, int update) = 0;
    /// Numbers in the device's memory, after all that was enqueued.
    virtual void read(const double* from, std::span<double> to) = 0;

    virtual std::span<const parameter> tensors() const = 0;
    /// One of the tensors where it lies in the host's memory; empty where it does not.
    virtual std::span<float> in_place(const parameter& p, stored what) = 0;
    /// One of the tensors as floats on the host, wherever the device is; spans have its size.
    virtual void read(const parameter& p, stored what, std::span<float> to) = 0;
    virtual void write(const parameter& p, stored what, std::span<const float> from) = 0;
};

}  // namespace chimera::executor
