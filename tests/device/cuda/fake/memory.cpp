// SPDX-License-Identifier: Apache-2.0

// The pretended GPU's memory is the host's, and books are kept of it.

#include "tests/device/cuda/fake/fake.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace chimera::fake {

state& the() {
    static state one;
    return one;
}

namespace {

/// Workers are threads.
std::mutex& one_at_a_time() {
    static std::mutex lock;
    return lock;
}

struct block {
    std::size_t bytes;
    int gpu;
};
std::map<const std::byte*, block>& blocks() {
    static std::map<const std::byte*, block> all;
    return all;
}

/// -1: none.
int gpu_of(const void* data) {
    const std::lock_guard lock(one_at_a_time());
    const auto at = blocks().find(static_cast<const std::byte*>(data));
    return at == blocks().end() ? -1 : at->second.gpu;
}

}  // namespace

/// Which bytes lie in memory that was handed out.
bool in_device_memory(const void* from, std::size_t bytes) {
    const std::lock_guard lock(one_at_a_time());
    const auto* const at = static_cast<const std::byte*>(from);
    const auto behind = blocks().upper_bound(at);
    if (behind == blocks().begin()) return false;
    const auto& [begin, held] = *std::prev(behind);
    return at + bytes <= begin + held.bytes;
}

}  // namespace chimera::fake

using chimera::fake::blocks;
using chimera::fake::gpu_of;
using chimera::fake::one_at_a_time;
using chimera::fake::the;

extern "C" {

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    int gpu = 0;
    cudaGetDevice(&gpu);
    if (the().may_move && !the().may_move(gpu, "memory is taken")) return cudaErrorNotPermitted;
    const std::lock_guard lock(one_at_a_time());
    if (the().fails_after > 0 && --the().fails_after == 0) the().memory = the().taken;
    if (the().taken + bytes > the().memory) return cudaErrorMemoryAllocation;
    *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    std::memset(*data, 0xff, bytes);  // NaN
    blocks()[static_cast<const std::byte*>(*data)] = {bytes, gpu};
    the().taken += bytes, ++the().allocations;
    the().most_taken = std::max(the().most_taken, the().taken);
    return cudaSuccess;
}
cudaError_t cudaMallocManaged(void** data, std::size_t bytes, unsigned) { return cudaMalloc(data, bytes); }
cudaError_t cudaFree(void* data) {
    if (!data) return cudaSuccess;
    if (the().may_move && !the().may_move(gpu_of(data), "memory is given back")) return cudaErrorNotPermitted;
    if (the().wait_for_all) the().wait_for_all();
    const std::lock_guard lock(one_at_a_time());
    const auto at = blocks().find(static_cast<const std::byte*>(data));
    if (at == blocks().end()) return cudaErrorInvalidValue;
    the().taken -= at->second.bytes;
    blocks().erase(at);
    std::free(data);
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
    if (which != cudaDevAttrL2CacheSize && which != cudaDevAttrPageableMemoryAccess) return cudaErrorInvalidValue;
    *value = which == cudaDevAttrL2CacheSize ? the().cache : the().reads_host;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    const std::lock_guard lock(one_at_a_time());
    *total = the().memory, *free = the().memory - the().taken;
    return cudaSuccess;
}
}
