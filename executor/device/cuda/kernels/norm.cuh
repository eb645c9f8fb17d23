// SPDX-License-Identifier: Apache-2.0
#pragma once

// Terms shared by the kernels of a norm's backward. Roundings are spelt out (fmaf, __fmul_rn): a compiler that is free
// to fuse could choose differently in two kernels, but these must leave the same bits, so that gradients do not depend
// on whether a schedule splits the backward.

#include <executor/device/cuda/kernels/pack.cuh>

namespace chimera::executor::gpu {

__device__ inline float normal(float x, float mean, float inverse) { return __fmul_rn(x - mean, inverse); }

/// Terms of one element of dy: sums[0] is scale's gradient; sums[1], if Centred, that of shift.
template <bool Centred, int N>
__device__ inline void add_norm_terms(float dy, float normal, int i, pack<N>* sums) {
    sums[0][i] = fmaf(dy, normal, sums[0][i]);
    if constexpr (Centred) sums[1][i] += dy;
}

}  // namespace chimera::executor::gpu
