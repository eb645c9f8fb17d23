// SPDX-License-Identifier: Apache-2.0

// The loops of device cpu, included by one .cpp for each instruction set. Written so that GCC and Clang vectorise them.

#include "executor/device/cpu/kernels.hpp"

#define CHIMERA_INLINE inline __attribute__((always_inline))

namespace chimera::executor::detail {
namespace {

using index = std::ptrdiff_t;
constexpr index lanes = 16;  // one AVX-512 register of floats; other sets use two or four registers in its place

CHIMERA_INLINE index rounded(index n) { return (n + lanes - 1) / lanes * lanes; }

/// e^x within 2 ulp (Cephes' expf polynomial); saturates instead of overflowing or reaching zero.
CHIMERA_INLINE float exponential(float x) {
    x = x < -87.f ? -87.f : x;
    x = x > 88.f ? 88.f : x;
    const float shifted = x * 1.44269504f + 12582912.f;  // 1.5 · 2²³: the integer lands in the low bits
    const float whole = shifted - 12582912.f;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    const unsigned power = (__builtin_bit_cast(unsigned, shifted) + 127u) << 23;
    return p * __builtin_bit_cast(float, power);
}

/// The largest of x, in 16 explicit lanes: Clang does not vectorise a maximum that might meet a NaN.
CHIMERA_INLINE float largest_of(const float* x, index n) {
    float most[lanes];
    for (index l = 0; l < lanes; ++l) most[l] = x[0];
    index i = 0;
    for (; i + lanes <= n; i += lanes)
        for (index l = 0; l < lanes; ++l) most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
    for (; i < n; ++i) most[0] = x[i] > most[0] ? x[i] : most[0];
    for (index l = 1; l < lanes; ++l) most[0] = most[l] > most[0] ? most[l] : most[0];
    return most[0];
}

}  // namespace
}  // namespace chimera::executor::detail

#include "executor/device/cpu/elementwise.inl"
#include "executor/device/cpu/rows.inl"
#include "executor/device/cpu/attention.inl"

namespace chimera::executor::detail {

extern const kernels CHIMERA_KERNELS;
const kernels CHIMERA_KERNELS = {
    CHIMERA_KERNELS_NAME, add, scale, sum_of_squares, embedding_forward, embedding_backward, add_columns, gelu_forward,
    gelu_backward, norm_forward, norm_backward_input, norm_backward_parameters, attention_scratch, attention_forward,
    attention_backward, cross_entropy_forward, cross_entropy_backward, adamw};

}  // namespace chimera::executor::detail
