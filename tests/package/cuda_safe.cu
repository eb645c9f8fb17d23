// SPDX-License-Identifier: Apache-2.0
// The headers that promise to compile under nvcc, used on the device.
#include <chimera/core/slot.hpp>
#include <chimera/program/instruction.hpp>
#include <chimera/version.hpp>

__global__ void ends(const chimera::slot* slot_list, int* out, int n) {
    const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) out[i] = slot_list[i].tick + slot_list[i].ticks;
}

__global__ void sends(const chimera::instruction* program, int* out, int n) {
    const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) out[i] = program[i].op == chimera::action::send_activation;
}

static_assert(chimera::slot{.tick = 3, .ticks = 2}.end() == 5);
static_assert(chimera::is_send(chimera::action::send_gradient));
