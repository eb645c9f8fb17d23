// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <driver_types.h>

#include <cstddef>
#include <set>
#include <string>

namespace chimera::fake {

/// Fused attention, which the pretended GPU has where a test says so.
struct fused_attention_state {
    bool built = false;
    std::string refuses = {};  ///< when it is made
    std::string refuses_to_run = {};
    std::size_t workspace = 4096;
    int made = 0, gradients = 0;  ///< how often
    bool deterministic = false;   ///< was asked for last
};

/// What a test may set and read of the pretended GPU.
struct state {
    std::size_t memory = std::size_t{1} << 33, taken = 0, most_taken = 0, allocations = 0;
    std::size_t launches = 0;                               ///< of graphs
    std::size_t fails_after = 0;                            ///< so many allocations more; 0: never
    bool (*may_move)(int gpu, const char* what) = nullptr;  ///< take or give back memory; null: always
    void (*wait_for_all)() = nullptr;                       ///< for all that runs, before memory is given back
    cudaError_t count_error = cudaSuccess;
    int capability = 90;
    double clock = 0;                     ///< milliseconds; products let it pass
    int heuristics = 0, products = 0;     ///< how often they were asked for
    bool timing = false;                  ///< after an odd number of recorded events
    bool skip_timed = false;              ///< products then take their time, but are not computed
    bool no_algorithms = false;           ///< for any product
    int fastest = 2;                      ///< which of the algorithms offered, from 0 on
    double fused_cost = 0;                ///< milliseconds more, of a product with GELU or sums
    int last_epilogue = 0;                ///< of the product computed last
    int last = -1;                        ///< the one used last
    unsigned broken = 0;                  ///< algorithms (one bit each) that are offered and then refused
    int broken_epilogue = 0;              ///< a product with it is offered algorithms, all of which are refused
    int unknown = 0;                      ///< products asked of an algorithm that nobody offered
    unsigned invalid = 0;                 ///< algorithms whose place in the heuristic's list is marked as not supported
    std::size_t workspace[3] = {};        ///< bytes that the algorithms need
    int cache = 1 << 12;                  ///< bytes of the second level
    int reads_host = 0;                   ///< copies from the host's memory are made when the stream is waited for
    int descriptions = 0;                 ///< how often a GPU's properties were asked for
    std::size_t from_host = 0;            ///< bytes copied from the host
    std::set<const void*> operands = {};  ///< first ones of the products that were timed
    fused_attention_state fused = {};
};
state& the();

bool in_device_memory(const void* from, std::size_t bytes);

}  // namespace chimera::fake
