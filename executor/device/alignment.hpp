// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace chimera::executor {

/// The boundary in bytes on which every tensor in host memory starts: one cache line, one AVX-512 register.
inline constexpr std::size_t alignment = 64;

/// Returns `bytes`, rounded up to a multiple of `alignment`.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace chimera::executor
