// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/workers/backend.hpp>

#include <memory>
#include <span>

namespace chimera::executor {

#ifdef CHIMERA_NCCL
inline constexpr bool nccl_is_built_in = true;
#else
inline constexpr bool nccl_is_built_in = false;
#endif

/// The device of one worker.
struct nccl_place {
    int worker = 0;
    int gpu = 0;
    void* stream = nullptr;  ///< a cudaStream_t of it
};

/// The program's workers on a GPU each, joined by NCCL; those of one process are its threads. `places`: of the workers
/// that this process plays. `together`: the processes; null: this one plays all. Throws chimera_error where they do not
/// find each other in time.
std::unique_ptr<world> join_by_nccl(const program_view& of, std::span<const nccl_place> places, double timeout_seconds,
                                    process_group* together = nullptr);

}  // namespace chimera::executor
