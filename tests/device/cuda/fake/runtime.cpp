// SPDX-License-Identifier: Apache-2.0

// What device cuda calls of the CUDA runtime, on the host: memory is the host's, streams do at once what they are told. With it, the
// emulated kernels and fake/products.cpp the whole device runs on a machine without a GPU.

#include "tests/device/cuda/fake/fake.hpp"

#include <cuda_runtime_api.h>

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
std::recursive_mutex& one_at_a_time() {
    static std::recursive_mutex lock;
    return lock;
}

std::map<void*, std::size_t>& blocks() {
    static std::map<void*, std::size_t> all;
    return all;
}

/// Which bytes lie in memory that was handed out.
bool is_device(const void* from, std::size_t bytes) {
    const std::lock_guard lock(one_at_a_time());
    const auto* at = static_cast<const std::byte*>(from);
    for (const auto& [block, size] : blocks())
        if (const auto* begin = static_cast<const std::byte*>(block); begin <= at && at + bytes <= begin + size)
            return true;
    return false;
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return cudaSuccess;
    const bool from_device = kind != cudaMemcpyHostToDevice, to_device = kind != cudaMemcpyDeviceToHost;
    if (from_device != is_device(from, bytes) || to_device != is_device(to, bytes)) return cudaErrorInvalidValue;
    std::memmove(to, from, bytes);
    return cudaSuccess;
}

}  // namespace

bool in_device_memory(const void* from, std::size_t bytes) { return is_device(from, bytes); }

}  // namespace chimera::fake

using chimera::fake::the;

extern "C" {

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaErrorMemoryAllocation:
            return "out of memory";
        case cudaErrorInsufficientDriver:
            return "CUDA driver version is insufficient for CUDA runtime version";
        default:
            return "invalid argument";
    }
}
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, the().count_error; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {};
    std::strcpy(properties->name, "a host / in disguise");
    properties->major = 9, properties->totalGlobalMem = the().memory, properties->multiProcessorCount = 3;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int gpu) { return gpu == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    const std::lock_guard lock(chimera::fake::one_at_a_time());
    if (the().taken + bytes > the().memory) return cudaErrorMemoryAllocation;
    *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    std::memset(*data, 0xff, bytes);  // NaN
    chimera::fake::blocks()[*data] = bytes;
    the().taken += bytes, ++the().allocations;
    return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
    const std::lock_guard lock(chimera::fake::one_at_a_time());
    const auto at = chimera::fake::blocks().find(data);
    if (at == chimera::fake::blocks().end()) return cudaErrorInvalidValue;
    the().taken -= at->second;
    chimera::fake::blocks().erase(at);
    std::free(data);
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    *total = the().memory, *free = the().memory - the().taken;
    return cudaSuccess;
}
cudaError_t cudaMemset(void* data, int value, std::size_t bytes) {
    if (!chimera::fake::in_device_memory(data, bytes)) return cudaErrorInvalidValue;
    std::memset(data, value, bytes);
    return cudaSuccess;
}
[[gnu::weak]] cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t) {
    return cudaMemset(data, value, bytes);
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    return chimera::fake::copy(to, from, bytes, kind);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
    return chimera::fake::copy(to, from, bytes, kind);
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    return *stream = reinterpret_cast<cudaStream_t>(&the()), cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return *event = reinterpret_cast<cudaEvent_t>(new double(0)), cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete reinterpret_cast<double*>(event);
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    const std::lock_guard lock(chimera::fake::one_at_a_time());
    the().timing = !the().timing;
    return *reinterpret_cast<double*>(event) = the().clock, cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    *milliseconds = static_cast<float>(*reinterpret_cast<double*>(end) - *reinterpret_cast<double*>(begin));
    return cudaSuccess;
}
}
