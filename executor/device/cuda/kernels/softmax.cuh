// SPDX-License-Identifier: Apache-2.0
#pragma once

// Causal softmax over score matrices [tokens, tokens], a query a row, one block for each; the row index counts over all
// matrices. What lies above the diagonal is not read: it may be anything. Every element is read and written by one
// thread, reads first.

#include <executor/device/cuda/kernels/each.cuh>
#include <executor/device/cuda/kernels/reduction.cuh>
#include <executor/device/cuda/kernels/row.cuh>

namespace chimera::executor::gpu {

/// Zeros for the packs of a row that begin behind its `valid` elements, by the threads that would handle them.
template <int Width, class Real>
__device__ inline void clear_rest(Real* row, int valid, int tokens) {
    const int step = static_cast<int>(blockDim.x) * Width;
    for (int c = static_cast<int>(threadIdx.x) * Width; c < tokens; c += step)
        if (c >= valid) store(row + c, pack<Width>{});
}

template <int Width, int Held, class Score, class Real>
__global__ void __launch_bounds__(row_threads)
    softmax_forward_kernel(int tokens, float factor, const Score* scores, Real* p, float* log_sum) {
    CHIMERA_SHARED(float, scratch, 2 * most_warps);
    const int valid = static_cast<int>(blockIdx.x % static_cast<unsigned>(tokens)) + 1;
    const std::size_t first = static_cast<std::size_t>(blockIdx.x) * size(tokens);
    const thread_row<Score, Width, Held> row(scores + first, valid);
    float largest = largest_of::nothing<float>, sum = 0;
    row.each([&](int c, const pack<Width>& v) {
        for (int i = 0; i < Width; ++i)
            if (c + i < valid) largest = max(largest, factor * v[i]);
    });
    largest = over_block<largest_of>(largest, scratch + 0);
    row.each([&](int c, const pack<Width>& v) {
        for (int i = 0; i < Width; ++i)
            if (c + i < valid) sum += expf(factor * v[i] - largest);
    });
    sum = over_block<sum_of>(sum, scratch + most_warps);
    row.each([&](int c, const pack<Width>& v) {
        pack<Width> out{};
        for (int i = 0; i < Width; ++i)
            if (c + i < valid) out[i] = expf(factor * v[i] - largest) / sum;
        store(p + first + c, out);
    });
    clear_rest<Width>(p + first, valid, tokens);
    if (threadIdx.x == 0) log_sum[blockIdx.x] = largest + logf(sum);
}

template <class Score, class Real>
struct softmax_recompute_work {
    int tokens;
    float factor;
    const Score* scores;
    const float* log_sum;
    Real* p;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const int valid = static_cast<int>(row % static_cast<unsigned>(tokens)) + 1;
        const std::size_t element = row * size(tokens) + size(c);
        pack<Width> out{};
        if (c < valid) {
            const pack<Width> v = load<Width>(scores + element);
            for (int i = 0; i < Width; ++i)
                if (c + i < valid) out[i] = expf(factor * v[i] - log_sum[row]);
        }
        store(p + element, out);
    }
};

template <class Score, class Real>
struct softmax_backward_work {
    int tokens;
    float factor;
    const Real* p;
    const float* dots;
    const Score* dp;
    Real* d_scores;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const int valid = static_cast<int>(row % static_cast<unsigned>(tokens)) + 1;
        const std::size_t element = row * size(tokens) + size(c);
        pack<Width> out{};
        if (c < valid) {
            const pack<Width> v = load<Width>(dp + element), share = load<Width>(p + element);
            for (int i = 0; i < Width; ++i)
                if (c + i < valid) out[i] = share[i] * (v[i] - dots[row]) * factor;
        }
        store(d_scores + element, out);
    }
};

/// A warp for each row and head; the result has heads before tokens.
template <int Width, class Real>
__global__ void row_dots_kernel(int tokens, int heads, int head_size, std::size_t pairs, const Real* dy, const Real* y,
                                float* dots) {
    const std::size_t pair = static_cast<std::size_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    if (pair >= pairs) return;  // the whole warp
    const std::size_t first = pair * size(head_size);
    float sum = 0;
    for (int c = static_cast<int>(threadIdx.x % 32) * Width; c < head_size; c += 32 * Width) {
        const pack<Width> a = load<Width>(dy + first + c), b = load<Width>(y + first + c);
        for (int i = 0; i < Width; ++i) sum += a[i] * b[i];
    }
    sum = over_warp<sum_of>(sum);
    const std::size_t n = size(tokens), h = size(heads);
    const std::size_t row = pair / h, head = pair % h;
    if (threadIdx.x % 32 == 0) dots[(row / n * h + head) * n + row % n] = sum;
}

}  // namespace chimera::executor::gpu
