// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the sources of device cuda alone: needs the CUDA headers.

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

namespace chimera::executor::detail {

/// Throws chimera::error with what was being done, what CUDA said, and what helps.
[[noreturn]] void fail(cudaError_t error, const std::string& doing);
[[noreturn]] void fail(cublasStatus_t status, const std::string& doing);

inline void check(cudaError_t error, const char* doing) {
    if (error != cudaSuccess) fail(error, doing);
}
inline void check(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS) fail(status, doing);
}

int attribute(int gpu, cudaDeviceAttr which);

/// Memory of a GPU. What there is no room for is refused: how much was asked for, how much is free, what needs less.
void* take_memory(int gpu, std::size_t bytes);

}  // namespace chimera::executor::detail
