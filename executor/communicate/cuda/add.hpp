// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <cstddef>

namespace chimera::executor::detail {

inline constexpr int most_added = 64;

/// The kernel's arguments by value.
struct tensors_to_add {
    const float* from[most_added];
    float* into[most_added];
    int sources, targets;
};

/// Each of `into` becomes ((from0 + from1) + from2) + …, on a cudaStream_t of the current GPU. Returns a cudaError_t.
int launch_add(const tensors_to_add& what, std::size_t size, void* stream);

}  // namespace chimera::executor::detail
