// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/device/cuda/form.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>

namespace chimera::executor::detail {

/// A product by its definition, without cuBLASLt, for forms that it has no algorithm for: no epilogue but a bias, steps
/// filled in.
void plain_product(gpu::stream_handle stream, const product_form& form, const void* left, const void* right,
                   void* result, const void* from, const void* bias);

}  // namespace chimera::executor::detail
