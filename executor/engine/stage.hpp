// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace chimera::executor {

/// One stage of a model as one worker holds it: its weights, gradients and optimiser state.
///
/// The engine calls these for one unit at a time, from the worker's own thread, in the program's order. Activations
/// live in a buffer (`stash`) that the engine owns; the program says which. Inputs and outputs are the boundary tensors
/// between stages. The first stage reads its units' tokens and the last one its targets from the batch that the trainer
/// set beforehand. When a worker holds one stage on several pipelines, one object serves them all.
class stage {
public:
    virtual ~stage() = default;

    /// Bytes of the boundary tensors of one unit; 0 before the first and after the last stage.
    virtual std::size_t input_bytes() const = 0;
    virtual std::size_t output_bytes() const = 0;

    /// Bytes of activations that one unit keeps from forward to backward. `recomputed`: only what recompute starts
    /// from.
    virtual std::size_t stash_bytes(bool recomputed) const = 0;

    /// Forward pass of `unit`. `input` is null on the first stage, `output` on the last.
    virtual void forward(int unit, std::byte* stash, const std::byte* input, std::byte* output) = 0;

    /// Like forward, but of a stage whose activations are recomputed later: keeps only what that needs in `stash`.
    virtual void forward_light(int unit, std::byte* stash, const std::byte* input, std::byte* output) = 0;

    /// Takes the memory that forward_light works in, if it needs any. Called before the first iteration, where it will
    /// be used: while messages wait on a GPU, none can be taken.
    virtual void prepare_light() {}

    /// Fills `full` (stash_bytes(false)) with what forward would have left there, from what forward_light kept in
    /// `light`.
    virtual void recompute(int unit, const std::byte* light, std::byte* full) = 0;

    /// Full backward: adds to the weight gradients. `output_gradient` is null on the last stage, `input_gradient` on
    /// the first.
    virtual void backward(int unit, std::byte* stash, const std::byte* output_gradient, std::byte* input_gradient) = 0;

    /// The halves of a backward. What the second needs stays in `stash` between them.
    virtual void input_gradient(int unit, std::byte* stash, const std::byte* output_gradient,
                                std::byte* input_gradient) = 0;
    virtual void weight_gradient(int unit, std::byte* stash) = 0;

    /// Start of an iteration, or of a group of micro-batches where weights change within the iteration: the next
    /// contribution to the gradients overwrites instead of adding.
    virtual void clear_gradients() = 0;

    /// All weight gradients in one piece: what a replica group reduces. Summed over units, not yet averaged.
    /// In the memory that the stage computes in. Where no unit passes the stage on this worker before they are used,
    /// the engine has them set to 0.
    virtual std::span<float> gradients() = 0;
    /// Sets all of them to 0. The default writes them on the host.
    virtual void zero_gradients();

    /// Optimiser step with the (reduced) gradients.
    virtual void update() = 0;

    /// For asynchronous families only: from now on the stage keeps `count` versions of its weights, of which number 0
    /// is the one that it has, and passes read the one selected. Gradients and the optimiser's state stay one. Called
    /// once, before the first iteration. The default refuses more than one.
    virtual void keep_versions(int count);
    /// The passes from here on read this version.
    virtual void select_version(int) {}
    /// Optimiser step that starts from the weights of version `from`, the newest, and leaves the new ones in `to`,
    /// which is then selected. `from` stays as it was, unless both are the same.
    virtual void update_version(int, int) { update(); }
};

inline void stage::zero_gradients() {
    for (float& g : gradients()) g = 0;
}

inline void stage::keep_versions(int count) {
    if (count > 1)
        refuse("the stage cannot keep " + std::to_string(count) +
               " versions of its weights (it has one) use a family that updates once an iteration");
}

}  // namespace chimera::executor
