// SPDX-License-Identifier: Apache-2.0

// The loops of device cpu, included by one .cpp for each instruction set. Written so that GCC and Clang vectorise them.

#include <executor/device/cpu/cpu_kernels.hpp>

#include <utility>

#define CHIMERA_LAMBDA __attribute__((always_inline))
#define CHIMERA_INLINE inline CHIMERA_LAMBDA

#include <executor/device/cpu/vector.inl>

#include <executor/device/cpu/attention.inl>
#include <executor/device/cpu/elementwise.inl>
#include <executor/device/cpu/rows.inl>

namespace chimera::executor::detail {

namespace {

template <class Real>
constexpr loops<Real> all_loops = {add<Real>,
                                   scale<Real>,
                                   embedding_forward<Real>,
                                   embedding_backward<Real>,
                                   add_columns<Real>,
                                   gelu_forward<Real>,
                                   gelu_backward<Real>,
                                   norm_forward<Real>,
                                   norm_backward_input<Real>,
                                   norm_backward_parameters<Real>,
                                   attention_forward<Real>,
                                   attention_backward<Real>,
                                   cross_entropy<Real>,
                                   cross_entropy_and_gradient<Real>,
                                   adamw<Real>};

}  // namespace

extern const kernels CHIMERA_KERNELS;
const kernels CHIMERA_KERNELS = {CHIMERA_KERNELS_NAME, all_loops<float>, all_loops<bf16>, sum_of_squares,
                                 attention_scratch};

}  // namespace chimera::executor::detail
