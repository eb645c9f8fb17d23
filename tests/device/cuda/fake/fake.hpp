// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <driver_types.h>

#include <cstddef>

namespace chimera::fake {

/// What a test may set and read of the pretended GPU.
struct state {
    std::size_t memory = std::size_t{1} << 33, taken = 0, most_taken = 0, allocations = 0;
    std::size_t launches = 0;                               ///< of graphs
    std::size_t fails_after = 0;                            ///< so many allocations more; 0: never
    bool (*may_move)(int gpu, const char* what) = nullptr;  ///< memory be taken or given back; null: always
    void (*wait_for_all)() = nullptr;                       ///< for all that runs, before memory is given back
    cudaError_t count_error = cudaSuccess;
    int capability = 90;
    double clock = 0;                  ///< milliseconds; products let it pass
    int heuristics = 0, products = 0;  ///< how often they were asked for
    bool timing = false;               ///< after an odd number of recorded events
    bool skip_timed = false;           ///< products then take their time, but are not computed
    bool no_algorithms = false;        ///< for any product
    int fastest = 2;                   ///< which of the algorithms offered, from 0 on
    double fused_cost = 0;             ///< milliseconds more, of a product with GELU or sums
    int last_epilogue = 0;             ///< of the product computed last
    int last = -1;                     ///< the one used last
};
state& the();

bool in_device_memory(const void* from, std::size_t bytes);

}  // namespace chimera::fake
