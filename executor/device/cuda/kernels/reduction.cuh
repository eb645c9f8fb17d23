// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums and maxima over a warp or a block. Every thread gets the result, the same bits whatever the hardware does first.

#include <executor/device/cuda/kernels/cuda.cuh>

namespace chimera::executor::gpu {

inline constexpr unsigned all_lanes = 0xffffffffu;
inline constexpr int most_warps = 32;

struct sum_of {
    template <class T>
    __device__ T operator()(T a, T b) const {
        return a + b;
    }
    template <class T>
    static constexpr T nothing = T(0);
};

struct largest_of {
    template <class T>
    __device__ T operator()(T a, T b) const {
        return a > b ? a : b;
    }
    template <class T>
    static constexpr T nothing = T(-3.402823466e38);
};

template <class Operation, class T>
__device__ inline T over_warp(T value) {
    CHIMERA_UNROLL
    for (unsigned bits = 16; bits > 0; bits /= 2) value = Operation{}(value, __shfl_xor_sync(all_lanes, value, bits));
    return value;
}

/// `scratch`: one element for each warp. Two reductions need two, or a barrier in between.
template <class Operation, class T>
__device__ inline T over_block(T value, shared<T> scratch) {
    value = over_warp<Operation>(value);
    const unsigned warps = blockDim.x / 32, lane = threadIdx.x % 32;
    if (warps == 1) return value;
    if (lane == 0) scratch[threadIdx.x / 32] = value;
    __syncthreads();
    return over_warp<Operation>(lane < warps ? static_cast<T>(scratch[lane]) : Operation::template nothing<T>);
}

}  // namespace chimera::executor::gpu
