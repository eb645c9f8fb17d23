// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/workers/backend.hpp>

#include <memory>

namespace chimera::executor {

struct gpu_choice {
    int workers = 1;
    bool bf16 = false;  ///< weights and activations; gradients, moments and master weights are fp32 always
    bool deterministic = false;
    double timeout_seconds = 60;  ///< for GPUs to find each other
    process_group* together =
        nullptr;  ///< the processes that share the workers; outlives the backend. Null: this one plays all
};

/// Workers on the GPUs of this machine. As threads of this process: one on each where there are as many and NCCL is
/// built in, else all on the first, joined by loopback. Of several processes: each worker on a GPU of its own, joined
/// by NCCL. Throws chimera_error where there are too few.
std::unique_ptr<backend> make_gpu_backend(const gpu_choice& how);

}  // namespace chimera::executor
