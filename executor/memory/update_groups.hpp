// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/layers/stage_layers.hpp>

#include <span>
#include <vector>

namespace chimera::executor {

/// Units whose gradients each update of an iteration applies, over all copies of the pipeline: one number per update of
/// a stage. One update where weights change once an iteration.
std::vector<int> units_of_updates(const program_view& of);

/// Bytes that weights, gradients and AdamW's two moments take on all workers together: each copy of a stage has one of
/// each, but as many weights as versions.
double model_bytes(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers);

/// Refuses a program whose weights alone do not fit into the memory that this process may use, of which it holds that
/// share.
void check_memory(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
                  double share = 1);

}  // namespace chimera::executor
