// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include "executor/device/shapes.hpp"

#include <cstddef>
#include <memory>

namespace chimera::executor::detail {

/// Attention without its squares in memory, in bf16: by cuDNN, where this program was built with its frontend.
class fused_attention {
public:
    virtual ~fused_attention() = default;

    virtual std::size_t scratch_bytes() const = 0;
    virtual void forward(const void* qkv, void* y, float* log_sum, std::byte* scratch) = 0;
    /// d_qkv may be qkv.
    virtual void backward(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
                          std::byte* scratch) = 0;
};

/// Null where it was not built, or cuDNN does not support the shape on this GPU. `stream` is a cudaStream_t of the current GPU.
std::unique_ptr<fused_attention> make_fused_attention(const attention_shape& shape, void* stream);

/// Whether this program was built with it.
bool has_fused_attention();

}  // namespace chimera::executor::detail
