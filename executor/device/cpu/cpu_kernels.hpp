// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/bf16.hpp>
#include <executor/device/shapes.hpp>

#include <cstdint>
#include <span>
#include <type_traits>

namespace chimera::executor::detail {

/// The loops of device cpu over numbers of one type. What is kept of a row, and gradients of parameters, are floats.
template <class Real>
struct loops {
    void (*add)(Real* y, const Real* x, std::size_t n);
    void (*scale)(Real* y, float factor, std::size_t n);
    void (*embedding_forward)(const embedding_shape&, const std::int32_t*, const Real*, const Real*, Real*);
    void (*embedding_backward)(const embedding_shape&, const std::int32_t*, const Real*, float*, float*);
    /// sums[c] += Σ x[·, c]; rows are `stride` apart.
    void (*add_columns)(const row_shape&, std::ptrdiff_t stride, const Real* x, float* sums);
    void (*gelu_forward)(const Real* x, Real* y, std::size_t n);
    void (*gelu_backward)(const Real* x, const Real* dy, Real* dx, std::size_t n);
    void (*norm_forward)(const row_shape&, const Real*, const Real*, const Real*, Real*, float*, float*);
    void (*norm_backward_input)(const row_shape&, const Real*, const Real*, const Real*, const float*, const float*,
                                const Real*, Real*);
    void (*norm_backward_parameters)(const row_shape&, std::ptrdiff_t stride, const Real*, const Real*, const float*,
                                     const float*, float*, float*);
    /// Heads [first, last) of all heads of all sequences, counted through.
    void (*attention_forward)(const attention_shape&, int first, int last, const Real*, Real*, float*, float* scratch);
    void (*attention_backward)(const attention_shape&, int first, int last, const Real*, const Real*, const Real*,
                               const float*, Real*, float* scratch);
    void (*cross_entropy)(const row_shape&, const Real*, const std::int32_t*, float*);
    void (*cross_entropy_and_gradient)(const row_shape&, Real*, const std::int32_t*, float*, float);
    /// `master` becomes the new weights, and values those rounded; of floats, values are their own master.
    void (*adamw)(Real* values, float* master, const float*, float*, float*, std::size_t, const adamw_step&);
};

/// The loops of device cpu for one instruction set. One source (kernels.inl), compiled once for each set.
struct kernels {
    const char* name;
    loops<float> in_fp32;
    loops<bf16> in_bf16;
    double (*sum_of_squares)(const float* x, std::size_t n);
    std::size_t (*attention_scratch)(const attention_shape&);  ///< floats

    template <class Real>
    const loops<Real>& in() const {
        if constexpr (std::is_same_v<Real, bf16>)
            return in_bf16;
        else
            return in_fp32;
    }
};

extern const kernels kernels_baseline;
#if defined(__x86_64__)
extern const kernels kernels_avx2, kernels_avx512;
#endif

/// Those that this machine can run, the fastest first.
std::span<const kernels* const> usable_kernels();

}  // namespace chimera::executor::detail
