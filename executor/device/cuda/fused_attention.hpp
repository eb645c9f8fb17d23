// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/device/shapes.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace chimera::executor::detail {

/// Attention without its squares in memory, in bf16: by cuDNN, where this program was built with its frontend.
class fused_attention {
public:
    virtual ~fused_attention() = default;

    /// Name and version of the library: "cuDNN 9.19.0".
    virtual std::string name() const = 0;
    virtual std::size_t scratch_bytes() const = 0;
    /// Queues it and returns an empty text, or returns why the library refused; nothing has started then.
    virtual std::string forward(const void* qkv, void* y, float* log_sum, std::byte* scratch) = 0;
    /// d_qkv may be qkv.
    virtual std::string backward(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
                                 std::byte* scratch) = 0;
};

/// The way to compute it.
struct fused_wish {
    bool deterministic =
        false;  ///< the same bits from the same arguments; else sums may be added in the order in which they come
    std::size_t most_workspace = 0;  ///< bytes; what needs more is refused
};

/// Result of make_fused_attention: `made`, or null and the reason in `why_not`.
struct fused_offer {
    std::unique_ptr<fused_attention> made;
    std::string why_not;
};

/// `stream` is a cudaStream_t of the current GPU.
fused_offer make_fused_attention(const attention_shape& shape, const fused_wish& wish, void* stream);

/// Returns true if this program was built with it.
bool has_fused_attention();

}  // namespace chimera::executor::detail
