// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/gpu/gpu_backend.hpp>
#include <executor/memory/measured_memory.hpp>

#include <memory>

namespace chimera::executor {

/// The GPUs that this process uses.
struct gpus_in_use {
    int first = 0, count = 1;
    bool apart = false;    ///< a worker has one for itself; else all share the first
    int first_worker = 0;  ///< the one that has the first
};

/// The memory of these GPUs.
std::unique_ptr<device_room> make_gpu_room(const gpu_choice& how, const gpus_in_use& which);

}  // namespace chimera::executor
