// SPDX-License-Identifier: Apache-2.0

// The loops of device cpu, included by one .cpp for each instruction set. Written so that GCC and Clang vectorise them.

#include "executor/device/cpu/kernels.hpp"

#include <utility>

#define CHIMERA_LAMBDA __attribute__((always_inline))
#define CHIMERA_INLINE inline CHIMERA_LAMBDA

#include "executor/device/cpu/vector.inl"

#include "executor/device/cpu/attention.inl"
#include "executor/device/cpu/elementwise.inl"
#include "executor/device/cpu/rows.inl"

namespace chimera::executor::detail {

extern const kernels CHIMERA_KERNELS;
const kernels CHIMERA_KERNELS = {CHIMERA_KERNELS_NAME,
                                 add,
                                 scale,
                                 sum_of_squares,
                                 embedding_forward,
                                 embedding_backward,
                                 add_columns,
                                 gelu_forward,
                                 gelu_backward,
                                 norm_forward,
                                 norm_backward_input,
                                 norm_backward_parameters,
                                 attention_scratch,
                                 attention_forward,
                                 attention_backward,
                                 cross_entropy_forward,
                                 cross_entropy_backward,
                                 adamw};

}  // namespace chimera::executor::detail
