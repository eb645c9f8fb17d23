// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/memory_timeline.hpp>
#include <executor/job/job.hpp>
#include <executor/layers/block.hpp>
#include <executor/model/executed_model.hpp>

#include <span>
#include <vector>

namespace chimera::executor {

/// The model as its descriptor, for units of that shape.
model described(gpt2_sizes config, const unit_shape& unit, const executed_numbers& on = numbers_on_cpu);

/// Returns the layout of numbers on the device that a job asks for; if it leaves the choice, the CPU in fp32 and a GPU
/// in bf16.
const executed_numbers& numbers_of(const job& wanted);

/// Bytes of every stage of a program that trains GPT-2, as memory_timeline wants them: exactly what its layers and, on
/// the CPU, its device allocate. `threads` of a worker on the CPU: its device's scratch memory is included, which is
/// found by planning the stage's products on one, without running them; 0 leaves it out.
std::vector<stage_memory> training_memory(const program_view& of, const gpt2_sizes& config,
                                          std::span<const layer_range> layers, const unit_shape& unit, int threads = 1,
                                          const executed_numbers& on = numbers_on_cpu);

/// Refuses, before any is taken, a run on the CPU that needs more memory than this process may use: stages,
/// activations, and `more` bytes beside them. `share` of the workers are on this machine.
void check_host_memory(const program_view& of, const job& wanted, std::span<const layer_range> layers,
                       const unit_shape& unit, double share, double more);

}  // namespace chimera::executor
