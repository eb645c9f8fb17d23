// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exponentials and what is made of them. fp32 takes the accurate functions. bf16, which keeps eight bits of a result,
// takes the hardware's approximations, off by at most 2 units in the last of 24 places: they leave the kernels bound by
// memory.

#include <executor/device/cuda/kernels/cuda.cuh>

#include <numbers>
#include <type_traits>

namespace chimera::executor::gpu {

inline constexpr float log2_e = std::numbers::log2e_v<float>;

/// eˣ; e⁰ is 1 exactly. x is a difference, subtracted before it is scaled: scaled and rounded one by one, two logits of
/// -10³⁰, which exclude a column, would not differ by 0.
template <class Real>
__device__ inline float power_of_e(float x) {
    if constexpr (std::is_same_v<Real, float>)
        return expf(x);
    else
        return exp2_approximate(x * log2_e);
}

/// 1 / (1 + e⁻ˣ)
template <class Real>
__device__ inline float sigmoid(float x) {
    if constexpr (std::is_same_v<Real, float>)
        return 1 / (1 + expf(-x));
    else
        return reciprocal_approximate(1 + exp2_approximate(-log2_e * x));
}

/// sigmoid(x) and 1 - sigmoid(x).
struct sigmoids {
    float of_x, rest;
};

/// Of x in the unit ln 2. Neither is made by subtraction, so both keep their relative error and vanish where they
/// should: what multiplies them may be large.
__device__ inline sigmoids approximate_sigmoids(float x) {
    const float e = exp2_approximate(-fabsf(x)), larger = reciprocal_approximate(1 + e), smaller = e * larger;
    return x < 0 ? sigmoids{smaller, larger} : sigmoids{larger, smaller};
}

template <class Real>
__device__ inline sigmoids both_sigmoids(float x) {
    if constexpr (std::is_same_v<Real, float>) {
        const float of_x = sigmoid<Real>(x);
        return {of_x, 1 - of_x};
    } else {
        return approximate_sigmoids(x * log2_e);
    }
}

/// Hendrycks & Gimpel 2016, tanh form: x / 2 · (1 + tanh u) = x · sigmoid(2 u), u = √(2/π) (x + 0.044715 x³). The
/// sigmoid keeps its relative error far below 0; 1 + tanh(u) would lose it, by the hardware's tanh (within 2⁻¹¹) at
/// once.
inline constexpr float gelu_factor = 0.7978845608f;
inline constexpr float gelu_cubic = 0.044715f;

/// 2 u in the unit ln 2.
__device__ inline float gelu_exponent(float x, float square) {
    constexpr double linear = 2 * std::numbers::log2e * gelu_factor;
    return x * fmaf(static_cast<float>(linear * gelu_cubic), square, static_cast<float>(linear));
}

template <class Real>
__device__ inline float gelu(float x) {
    if constexpr (std::is_same_v<Real, float>)
        return x / 2 * (1 + tanhf(gelu_factor * (x + gelu_cubic * x * x * x)));
    else
        return x * reciprocal_approximate(1 + exp2_approximate(-gelu_exponent(x, x * x)));
}

/// Its derivative. From |x| = 2⁶⁴ on x² is infinite, and this not a number.
template <class Real>
__device__ inline float gelu_slope(float x) {
    const float square = x * x;
    if constexpr (std::is_same_v<Real, float>) {
        const float t = tanhf(gelu_factor * (x + gelu_cubic * square * x));
        return (1 + t) / 2 + x / 2 * (1 - t * t) * gelu_factor * (1 + 3 * gelu_cubic * square);
    } else {
        const sigmoids s = approximate_sigmoids(gelu_exponent(x, square));
        return s.of_x + x * (s.of_x * s.rest) * fmaf(6 * gelu_factor * gelu_cubic, square, 2 * gelu_factor);
    }
}

}  // namespace chimera::executor::gpu
