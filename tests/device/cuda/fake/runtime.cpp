// SPDX-License-Identifier: Apache-2.0

// What device cuda calls of the CUDA runtime, on the host: streams do at once what they are told. With it, fake/memory.cpp, the emulated
// kernels and fake/products.cpp the whole device runs on a machine without a GPU.

#include "tests/device/cuda/fake/fake.hpp"

#include <cuda_runtime_api.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <vector>

namespace chimera::fake {

namespace {

/// Copies from the host that the GPU will make when it comes to them, where it reads the host's memory.
std::vector<std::function<void()>>& late_copies() {
    static std::vector<std::function<void()>> all;
    return all;
}

cudaError_t make_late_copies() {
    for (const auto& each : late_copies()) each();
    late_copies().clear();
    return cudaSuccess;
}

/// No bytes between pointers that are not of the device: CUDA does not say what comes of it.
cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const bool from_device = kind != cudaMemcpyHostToDevice, to_device = kind != cudaMemcpyDeviceToHost;
    if (from_device != in_device_memory(from, bytes) || to_device != in_device_memory(to, bytes))
        return cudaErrorInvalidValue;
    if (!from_device) the().from_host += bytes;
    std::memmove(to, from, bytes);
    return cudaSuccess;
}

}  // namespace

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
    ++the().descriptions;
    *properties = {};
    std::strcpy(properties->name, "a host / in disguise");
    properties->major = the().capability / 10, properties->minor = the().capability % 10;
    properties->totalGlobalMem = the().memory, properties->multiProcessorCount = 3;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* gpu) { return *gpu = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int gpu) { return gpu == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaMemset(void* data, int value, std::size_t bytes) {
    if (!chimera::fake::in_device_memory(data, bytes)) return cudaErrorInvalidValue;
    std::memset(data, value, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t) {
    return cudaMemset(data, value, bytes);
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    return chimera::fake::copy(to, from, bytes, kind);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
    if (the().reads_host && kind == cudaMemcpyHostToDevice)
        return chimera::fake::late_copies().push_back([=] { chimera::fake::copy(to, from, bytes, kind); }), cudaSuccess;
    return chimera::fake::copy(to, from, bytes, kind);
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    return *stream = reinterpret_cast<cudaStream_t>(&the()), cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return chimera::fake::make_late_copies(); }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return *event = reinterpret_cast<cudaEvent_t>(new double(0)), cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete reinterpret_cast<double*>(event);
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    static std::mutex one_at_a_time;  // workers are threads
    const std::lock_guard lock(one_at_a_time);
    the().timing = !the().timing;
    return *reinterpret_cast<double*>(event) = the().clock, cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    *milliseconds = static_cast<float>(*reinterpret_cast<double*>(end) - *reinterpret_cast<double*>(begin));
    return cudaSuccess;
}
}
