// SPDX-License-Identifier: Apache-2.0
#pragma once

// Softmax cross-entropy over rows of any length, one block for each row. Rows need not begin on 16-byte boundaries.

#include "executor/device/cuda/kernels/pack.cuh"
#include "executor/device/cuda/kernels/reduction.cuh"

namespace chimera::executor::gpu {

/// Calls f(column, pack) for the running thread's part of a row: single elements up to the first 16-byte boundary and after the
/// last whole pack, packs in between.
template <class Real, class F>
__device__ inline void each_of_any_row(const Real* row, int columns, F f) {
    constexpr int width = lanes<Real>;
    const auto address = reinterpret_cast<std::uintptr_t>(row) / sizeof(Real) % width;
    const int head = min(columns, static_cast<int>((width - address) % width));
    const int packs = (columns - head) / width, t = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
    const auto single = [&](int c) { f(c, load<1>(row + c)); };
    if (t < head) single(t);
    for (int k = t; k < packs; k += step) f(head + k * width, load<width>(row + head + k * width));
    if (const int c = head + packs * width + t; c < columns) single(c);
}

/// Maximum and sum of exponentials in one visit: the sum is rescaled whenever the maximum grows.
template <class Real>
__global__ void __launch_bounds__(row_threads)
    cross_entropy_forward_kernel(int columns, const Real* logits, const std::int32_t* targets, float* losses,
                                 float* log_sum) {
    CHIMERA_SHARED(float, scratch, 2 * most_warps);
    const Real* row = logits + static_cast<std::size_t>(blockIdx.x) * size(columns);
    float largest = largest_of::nothing<float>, sum = 0;
    each_of_any_row(row, columns, [&](int, const auto& v) {
        float next = largest;
        for (const float x : v.at) next = max(next, x);
        sum *= expf(largest - next);
        for (const float x : v.at) sum += expf(x - next);
        largest = next;
    });
    const float all = over_block<largest_of>(largest, scratch + 0);
    sum = over_block<sum_of>(sum * expf(largest - all), scratch + most_warps);
    if (threadIdx.x != 0) return;
    log_sum[blockIdx.x] = all + logf(sum);
    losses[blockIdx.x] = all + logf(sum) - load(row + targets[blockIdx.x]);
}

template <class Real>
__global__ void __launch_bounds__(row_threads)
    cross_entropy_backward_kernel(int columns, Real* logits, const std::int32_t* targets, const float* log_sum,
                                  float factor) {
    Real* row = logits + static_cast<std::size_t>(blockIdx.x) * size(columns);
    const int target = targets[blockIdx.x];
    const float log_of_sum = log_sum[blockIdx.x];
    each_of_any_row(row, columns, [&](int c, auto v) {
        for (float& x : v.at) {
            x = factor * (expf(x - log_of_sum) - (c == target ? 1.0f : 0.0f));
            ++c;
        }
        store(row + c - sizeof(v.at) / sizeof(float), v);
    });
}

}  // namespace chimera::executor::gpu
