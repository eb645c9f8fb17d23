// SPDX-License-Identifier: Apache-2.0
#pragma once

// Softmax cross-entropy over rows of any length, one block for each row. Rows need not begin on 16-byte boundaries.

#include <executor/device/cuda/kernels/approximate.cuh>
#include <executor/device/cuda/kernels/pack.cuh>
#include <executor/device/cuda/kernels/reduction.cuh>

#include <type_traits>

namespace chimera::executor::gpu {

/// Threads of a block that visits a row twice. As many as there are: the fewer rows are under way at once, the more of
/// them the caches still hold at the second visit.
inline constexpr int twice_threads = 1024;

enum class direction : bool { forwards, backwards };

/// Calls f(column, pack) for the running thread's part of a row: single elements up to the first 16-byte boundary and
/// after the last whole pack, packs in between.
template <direction Way = direction::forwards, class Real, class F>
__device__ inline void each_of_any_row(const Real* row, int columns, F f) {
    constexpr int width = lanes<Real>;
    const auto address = reinterpret_cast<std::uintptr_t>(row) / sizeof(Real) % width;
    const int head = min(columns, static_cast<int>((width - address) % width));
    const int packs = (columns - head) / width, t = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
    const auto single = [&](int c) { f(c, load<1>(row + c)); };
    const auto whole = [&](int k) { f(head + k * width, load<width>(row + head + k * width)); };
    if (t < head) single(t);
    if constexpr (Way == direction::forwards) {
        for (int k = t; k < packs; k += step) whole(k);
    } else if (t < packs) {
        for (int k = t + (packs - 1 - t) / step * step; k >= t; k -= step) whole(k);
    }
    if (const int c = head + packs * width + t; c < columns) single(c);
}

/// Logarithm of the denominator of a row's softmax. Maximum and sum of powers in one visit: the sum is rescaled where
/// the maximum grows.
template <class Real>
__device__ inline float log_sum_of(const Real* row, int columns, shared<float> scratch) {
    float largest = largest_of::nothing<float>, sum = 0;
    each_of_any_row(row, columns, [&](int, const auto& v) {
        float next = largest;
        for (const float x : v.at) next = max(next, x);
        if (next > largest) sum *= power_of_e<Real>(largest - next), largest = next;
        for (const float x : v.at) sum += power_of_e<Real>(x - largest);
    });
    const float all = over_block<largest_of>(largest, scratch + 0);
    return all + logf(over_block<sum_of>(sum * power_of_e<Real>(largest - all), scratch + most_warps));
}

/// Element k of a pack. Registers have no addresses.
template <int Width>
__device__ inline float element(const pack<Width>& v, int k) {
    float result = v[0];
    for (int i = 1; i < Width; ++i) result = i == k ? v[i] : result;
    return result;
}

/// `Logit` is Real, for the gradient in the logits' place, or const Real. Every thread writes what itself has read: no
/// barrier is needed. The second visit begins where the first ended, which is what caches hold for longest.
template <class Logit>
__global__ void __launch_bounds__(twice_threads)
    cross_entropy_kernel(int columns, Logit* logits, const std::int32_t* targets, float* losses, float factor) {
    using real = std::remove_const_t<Logit>;
    CHIMERA_SHARED(float, scratch, 2 * most_warps);
    Logit* const row = logits + static_cast<std::size_t>(blockIdx.x) * size(columns);
    const int target = targets[blockIdx.x];
    const float total = log_sum_of<real>(row, columns, scratch);
    if constexpr (std::is_const_v<Logit>) {
        if (threadIdx.x == 0) losses[blockIdx.x] = total - load(row + target);
    } else {
        each_of_any_row<direction::backwards, real>(row, columns, [&](int c, auto v) {
            constexpr int width = static_cast<int>(sizeof v.at / sizeof(float));
            const int hit = target - c;
            const bool here = 0 <= hit && hit < width;  // once a row: the rest of its packs take no branch
            if (here) losses[blockIdx.x] = total - element(v, hit);
            for (float& x : v.at) x = power_of_e<real>(x - total);
            if (here) {
                for (int k = 0; k < width; ++k) v[k] -= k == hit ? 1.0f : 0.0f;
            }
            for (float& x : v.at) x *= factor;
            store(row + c, v);
        });
    }
}

}  // namespace chimera::executor::gpu
