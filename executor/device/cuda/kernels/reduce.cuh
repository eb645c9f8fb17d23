// SPDX-License-Identifier: Apache-2.0
#pragma once

// Long sums in double, in two passes: blocks, then one block over their sums. How many blocks there are follows from n
// alone.

#include <executor/device/cuda/kernels/pack.cuh>
#include <executor/device/cuda/kernels/reduction.cuh>

namespace chimera::executor::gpu {

inline constexpr unsigned sum_threads = 256;
inline constexpr std::size_t sum_per_block = sum_threads * 32;
inline constexpr std::size_t most_sum_blocks = 2048;

inline unsigned sum_blocks(std::size_t n) {
    const std::size_t blocks = (n + sum_per_block - 1) / sum_per_block;
    return static_cast<unsigned>(blocks < most_sum_blocks ? blocks : most_sum_blocks);
}

template <bool Squares, int Width, class Real>
__global__ void sum_partial_kernel(const Real* x, std::size_t n, double* partial) {
    CHIMERA_SHARED(double, scratch, most_warps);
    const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x, packs = n / Width;
    const std::size_t t = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    double sum = 0;
    const auto take = [&](float v) {
        sum += Squares ? static_cast<double>(v) * static_cast<double>(v) : static_cast<double>(v);
    };
    for (std::size_t k = t; k < packs; k += step)
        for (const float v : load<Width>(x + k * Width).at) take(v);
    if (const std::size_t i = packs * Width + t; i < n) take(load(x + i));
    sum = over_block<sum_of>(sum, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

static __global__ void sum_total_kernel(const double* partial, unsigned count, double factor, double* result,
                                        bool add) {
    CHIMERA_SHARED(double, scratch, most_warps);
    double sum = 0;
    for (unsigned k = threadIdx.x; k < count; k += blockDim.x) sum += partial[k];
    sum = over_block<sum_of>(sum, scratch) * factor;
    if (threadIdx.x == 0) *result = add ? *result + sum : sum;
}

}  // namespace chimera::executor::gpu
