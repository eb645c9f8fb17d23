// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/layers/block.hpp>
#include <executor/model/executed_model.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// The memory of the GPUs on which a backend's workers compute.
class device_room {
public:
    virtual ~device_room() = default;

    struct space {
        std::string name;  ///< for the reader
        std::size_t free = 0, all = 0;
    };
    /// Of every GPU in use.
    virtual std::vector<space> spaces() = 0;
    /// Bytes that have been taken since the backend was made, by anybody, of the GPU on which most were.
    virtual std::size_t taken() = 0;
    /// Index into `spaces`; -1: another process plays the worker.
    virtual int place_of(int worker) const = 0;

    virtual executed_numbers numbers() const = 0;
    /// The bytes that a stage's device takes for itself and the layers' constants: scratch, found by planning the
    /// stage's products.
    virtual std::size_t own_bytes(const gpt2_sizes& config, const layer_range& layers, const unit_shape& unit) = 0;
    /// An update's settings.
    virtual std::size_t step_bytes() const = 0;
    /// Copies of messages of one size to one peer that are kept while they are under way.
    virtual int most_kept() const = 0;
};

/// Bytes that each worker asks CUDA for while the program trains: stages, activations, messages under way, batches.
/// Leaves out the memory that CUDA, cuBLASLt and NCCL take for themselves.
std::vector<std::size_t> device_needs(const program_view& of, const gpt2_sizes& config,
                                      std::span<const layer_range> layers, const unit_shape& unit, device_room& room);

/// Bytes of the GPU that needs most. Refuses a program for which the memory of a GPU does not suffice: how much is
/// needed, how much there is, and which settings need less.
std::size_t check_device_memory(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
                                const unit_shape& unit, device_room& room);

}  // namespace chimera::executor
