// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/recompute_mode.hpp>
#include <chimera/model/slicing.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/schedule/family.hpp>

#include <cstdint>
#include <vector>

namespace chimera {

/// Returns the name of a choice of when gradients are reduced, as on command lines.
[[nodiscard]] constexpr const char* name(reduction_start mode) noexcept {
    return mode == reduction_start::lazy ? "lazy" : mode == reduction_start::eager ? "eager" : "eager_opt";
}

/// The neighbours in a node: the copies of a stage, or the stages of a copy.
enum class layout : std::uint8_t {
    copies_together,  ///< the copies of a stage are neighbours, so that reductions stay in a node
    stages_together   ///< the stages of a copy are neighbours, so that messages stay in a node
};

/// One way to train: everything that decides how long an iteration takes and how much memory a worker needs.
/// It takes width · tensor · schedule.workers() workers and width · schedule.micro_batches · micro_batch samples.
struct configuration {
    family_spec schedule;            ///< micro_batches are per copy; its own width stays 1
    int width = 1;                   ///< data-parallel copies of the whole pipeline group
    int tensor = 1;                  ///< workers that share every layer (tensor parallelism)
    bool sequence_parallel = false;  ///< tensor slices share by tokens what they would all hold
    int micro_batch = 1;             ///< samples
    reduction_start synchronisation = reduction_start::eager_opt;  ///< start of reductions
    recompute_mode recompute = recompute_mode::none;               ///< of every stage, unless mixed
    std::vector<recompute_mode> stage_recompute;                   ///< of every stage, where the mode is mixed
    int zero = 0;                            ///< ZeRO level: 1 shards the optimiser's state over the replicas of a
                                             ///< stage, 2 gradients as well, 3 weights as well
    layout order = layout::copies_together;  ///< neighbours in a node
    bool continuous = false;                 ///< asynchronous families: no drain between iterations
    std::vector<int> cuts;                   ///< first layer of each stage, and one past the last; empty: the best

    /// Returns the number of workers it takes.
    [[nodiscard]] constexpr int workers() const { return width * tensor * schedule.workers(); }
    /// Returns the samples of an iteration, over all copies.
    [[nodiscard]] constexpr std::int64_t samples() const {
        return std::int64_t{width} * schedule.micro_batches * micro_batch;
    }
    /// Returns the tensor slices of each layer.
    [[nodiscard]] constexpr slicing slices() const noexcept { return {tensor, sequence_parallel}; }
    /// Returns the mode of a stage; under `mixed`, `stage_recompute` must hold it.
    [[nodiscard]] constexpr recompute_mode recompute_of(int stage) const {
        return recompute == recompute_mode::mixed ? stage_recompute[static_cast<std::size_t>(stage)] : recompute;
    }
};

}  // namespace chimera
