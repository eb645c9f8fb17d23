// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/gpu.hpp>

#include <chimera/core/error.hpp>
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>

#include <map>
#include <mutex>

namespace chimera::executor {

namespace detail {

namespace {

#ifndef CHIMERA_CUDA_ARCHITECTURES
#define CHIMERA_CUDA_ARCHITECTURES "others"
#endif

constexpr const char* smaller =
    "use fewer sequences in a micro-batch, fewer micro-batches in flight, more stages, recompute or bf16";

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

/// The current GPU is one that this program's kernels were not built for.
[[noreturn]] void wrong_architecture() {
    int gpu = 0;
    cudaDeviceProp is{};
    cudaGetDevice(&gpu);
    cudaGetDeviceProperties(&is, gpu);
    const std::string major = std::to_string(is.major), minor = std::to_string(is.minor);
    refuse("no kernel of this program runs on GPU " + std::to_string(gpu) + ", " + is.name +
           " (its compute capability is " + major + "." + minor + ", the program was built for " +
           CHIMERA_CUDA_ARCHITECTURES + ") " +
           (is.major < 8 ? "use a GPU of 8.0 or more, or train on the CPU"
                         : "build it with -DCMAKE_CUDA_ARCHITECTURES=" + major + minor));
}

const char* advice(cudaError_t error) {
    switch (error) {
        case cudaErrorInsufficientDriver:
            return "install a driver for this CUDA version, or train on the CPU";
        case cudaErrorNoDevice:
            return "make a GPU visible (see CUDA_VISIBLE_DEVICES), or train on the CPU";
        case cudaErrorInvalidDevice:
            return "name a GPU that is there";
        case cudaErrorMemoryAllocation:
            return smaller;
        case cudaErrorDevicesUnavailable:
            return "wait until no other process holds the GPU";
        default:
            return "look for the first error of this GPU in the system's log, and start again";
    }
}

}  // namespace

void fail(cudaError_t error, const std::string& doing) {
    cudaGetLastError();  // so that the next call does not report it again
    if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorUnsupportedPtxVersion) wrong_architecture();
    std::size_t free = 0, all = 0;
    if (error == cudaErrorMemoryAllocation && cudaMemGetInfo(&free, &all) == cudaSuccess)
        refuse(doing + " failed (" + mebibytes(free) + " of the GPU's " + mebibytes(all) + " are free) " + smaller);
    refuse(doing + " failed (CUDA says: " + cudaGetErrorString(error) + ") " + advice(error));
}

int attribute(int gpu, cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, gpu), "asking for a GPU's attributes");
    return value;
}

void* take_memory(int gpu, std::size_t bytes) {
    check(cudaSetDevice(gpu), "choosing a GPU");
    void* data = nullptr;
    const cudaError_t error = cudaMalloc(&data, bytes);
    if (error == cudaSuccess) return data;
    std::size_t free = 0, all = 0;
    if (error != cudaErrorMemoryAllocation || cudaMemGetInfo(&free, &all) != cudaSuccess)
        fail(error, "taking memory of GPU " + std::to_string(gpu));
    cudaGetLastError();  // it would be found by the next launch
    refuse("GPU " + std::to_string(gpu) + " is out of memory (" + mebibytes(bytes) + " were asked for, " +
           mebibytes(free) + " of " + mebibytes(all) + " are free) " + smaller);
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

namespace gpu {

void launch_failed(int error) { detail::fail(static_cast<cudaError_t>(error), "starting a kernel"); }

}  // namespace gpu

using detail::check;

namespace {

/// Asks for a GPU's properties once a process: they do not change, and a query takes milliseconds.
gpu_description described(int gpu) {
    static std::mutex one_at_a_time;
    static std::map<int, gpu_description> known;
    const std::lock_guard lock(one_at_a_time);
    if (const auto found = known.find(gpu); found != known.end()) return found->second;
    cudaDeviceProp is{};
    check(cudaGetDeviceProperties(&is, gpu), "asking for a GPU's properties");
    return known[gpu] = {is.name, is.major, is.minor, is.totalGlobalMem, is.multiProcessorCount};
}

}  // namespace

gpus_found find_gpus() {
    gpus_found found;
    cudaRuntimeGetVersion(&found.runtime);
    cudaDriverGetVersion(&found.driver);
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
        cudaGetLastError();
        found.why = cudaGetErrorString(error);
        return found;
    }
    for (int gpu = 0; gpu < count; ++gpu) found.all.push_back(described(gpu));
    if (count == 0) return found.why = "no GPU is visible", found;
    found.matrix_library = cublasLtGetVersion();  // loads it: only where there is a use
    return found;
}

device_memory::device_memory(int gpu, std::size_t bytes) {
    if (bytes == 0) return;
    data_ = static_cast<std::byte*>(detail::take_memory(gpu, bytes)), size_ = bytes;
    detail::clear(data_, bytes);
}

void device_memory::release() noexcept {
    if (data_) cudaFree(data_);  // at the end of the process CUDA may be gone already, and with it the memory
    data_ = nullptr, size_ = 0;
}

}  // namespace chimera::executor
