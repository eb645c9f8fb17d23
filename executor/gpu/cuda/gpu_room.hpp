// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/gpu/gpu_backend.hpp>
#include <executor/train/device_memory.hpp>

#include <memory>

namespace chimera::executor {

/// The memory of the GPUs 0 to `count` - 1, one for each worker, or of the first, which all share where there is but one.
std::unique_ptr<device_room> make_gpu_room(const gpu_choice& how, int count);

}  // namespace chimera::executor
