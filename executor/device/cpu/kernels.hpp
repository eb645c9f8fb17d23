// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/device/shapes.hpp"

#include <cstdint>
#include <span>

namespace chimera::executor::detail {

/// The loops of device cpu for one instruction set. One source (kernels.inl), compiled once for each set.
struct kernels {
    const char* name;
    void (*add)(float* y, const float* x, std::size_t n);
    void (*scale)(float* y, float factor, std::size_t n);
    double (*sum_of_squares)(const float* x, std::size_t n);
    void (*embedding_forward)(const embedding_shape&, const std::int32_t*, const float*, const float*, float*);
    void (*embedding_backward)(const embedding_shape&, const std::int32_t*, const float*, float*, float*);
    /// sums[c] += Σ x[·, c]; rows are `stride` apart.
    void (*add_columns)(const row_shape&, std::ptrdiff_t stride, const float* x, float* sums);
    void (*gelu_forward)(const float* x, float* y, std::size_t n);
    void (*gelu_backward)(const float* x, const float* dy, float* dx, std::size_t n);
    void (*norm_forward)(const row_shape&, const float*, const float*, const float*, float*, float*, float*);
    void (*norm_backward_input)(const row_shape&, const float*, const float*, const float*, const float*, const float*,
                                const float*, float*);
    void (*norm_backward_parameters)(const row_shape&, std::ptrdiff_t stride, const float*, const float*, const float*,
                                     const float*, float*, float*);
    std::size_t (*attention_scratch)(const attention_shape&);  ///< floats
    /// Heads [first, last) of all heads of all sequences, counted through.
    void (*attention_forward)(const attention_shape&, int first, int last, const float*, float*, float*,
                              float* scratch);
    void (*attention_backward)(const attention_shape&, int first, int last, const float*, const float*, const float*,
                               const float*, float*, float* scratch);
    void (*cross_entropy_forward)(const row_shape&, const float*, const std::int32_t*, float*, float*);
    void (*cross_entropy_backward)(const row_shape&, float*, const std::int32_t*, const float*, float);
    void (*adamw)(float*, const float*, float*, float*, std::size_t, const adamw_step&);
};

extern const kernels kernels_baseline;
#if defined(__x86_64__)
extern const kernels kernels_avx2, kernels_avx512;
#endif

/// Those that this machine can run, the fastest first.
std::span<const kernels* const> usable_kernels();

}  // namespace chimera::executor::detail
