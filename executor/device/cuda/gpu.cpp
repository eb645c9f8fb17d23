// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/gpu.hpp"

#include "chimera/core/error.hpp"
#include "executor/device/cuda/check.hpp"

namespace chimera::executor {

namespace detail {

namespace {

const char* advice(cudaError_t error) {
    switch (error) {
        case cudaErrorInsufficientDriver:
            return "install a driver for this CUDA version, or train on the CPU";
        case cudaErrorNoDevice:
            return "make a GPU visible (see CUDA_VISIBLE_DEVICES), or train on the CPU";
        case cudaErrorInvalidDevice:
            return "name a GPU that is there";
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorUnsupportedPtxVersion:
            return "build for this GPU's architecture: -DCMAKE_CUDA_ARCHITECTURES=<compute capability without its "
                   "point>";
        case cudaErrorMemoryAllocation:
            return "take smaller units, more stages or recompute";
        case cudaErrorDevicesUnavailable:
            return "wait until no other process holds the GPU";
        default:
            return "look for the first error of this GPU in the system's log, and start again";
    }
}

}  // namespace

void fail(cudaError_t error, const std::string& doing) {
    cudaGetLastError();  // so that the next call does not report it again
    refuse(doing + " failed (CUDA says: " + cudaGetErrorString(error) + ") " + advice(error));
}

/// Done when it returns. On a stream of its own: what other streams do may be waiting for this very thread.
static void clear(void* data, std::size_t bytes) {
    cudaStream_t alone = nullptr;
    check(cudaStreamCreateWithFlags(&alone, cudaStreamNonBlocking), "making a stream");
    check(cudaMemsetAsync(data, 0, bytes, alone), "clearing memory");
    check(cudaStreamSynchronize(alone), "clearing memory");
    check(cudaStreamDestroy(alone), "clearing memory");
}

void fail(cublasStatus_t status, const std::string& doing) {
    refuse(doing + " failed (cuBLASLt says: " + cublasLtGetStatusString(status) + ") " +
           (status == CUBLAS_STATUS_ARCH_MISMATCH ? "use a GPU of compute capability 8.0 or more"
                                                  : "check that driver and cuBLASLt fit each other"));
}

}  // namespace detail

using detail::check;

gpus_found find_gpus() {
    gpus_found found;
    found.matrix_library = cublasLtGetVersion();
    cudaRuntimeGetVersion(&found.runtime);
    cudaDriverGetVersion(&found.driver);
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        cudaGetLastError();
        found.why = cudaGetErrorString(error);
        return found;
    }
    for (int gpu = 0; gpu < count; ++gpu) {
        cudaDeviceProp properties{};
        check(cudaGetDeviceProperties(&properties, gpu), "asking for a GPU's properties");
        found.all.push_back({properties.name, properties.major, properties.minor, properties.totalGlobalMem,
                             properties.multiProcessorCount});
    }
    if (count == 0) found.why = "no GPU is visible";
    return found;
}

device_memory::device_memory(int gpu, std::size_t bytes) {
    if (bytes == 0) return;
    check(cudaSetDevice(gpu), "choosing a GPU");
    void* data = nullptr;
    if (const cudaError_t error = cudaMalloc(&data, bytes); error != cudaSuccess) {
        cudaGetLastError();
        std::size_t free = 0, total = 0;
        if (error != cudaErrorMemoryAllocation || cudaMemGetInfo(&free, &total) != cudaSuccess)
            detail::fail(error, "taking memory of GPU " + std::to_string(gpu));
        const auto text = [](std::size_t n) { return std::to_string((n + (1 << 20) - 1) >> 20) + " MiB"; };
        refuse("GPU " + std::to_string(gpu) + " is out of memory (" + text(bytes) + " were asked for, " + text(free) +
               " of " + text(total) + " are free) take smaller units, more stages or recompute");
    }
    data_ = static_cast<std::byte*>(data), size_ = bytes;
    detail::clear(data, bytes);
}

void device_memory::release() noexcept {
    if (data_) cudaFree(data_);  // at the end of the process CUDA may be gone already, and with it the memory
    data_ = nullptr, size_ = 0;
}

}  // namespace chimera::executor
