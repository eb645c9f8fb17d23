// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Sorts whole numbers, the smallest first. What is ordered by time carries its number in the low bits of such a key:
/// one std::sort serves all of the headers, where each further type or comparison costs whoever includes them 2 MB of
/// compiler.
constexpr void sort_keys(std::vector<std::int64_t>& keys) { std::sort(keys.begin(), keys.end()); }

/// Returns a key that orders by `first` (below 2^31), then by `second` (not negative).
[[nodiscard]] constexpr std::int64_t sort_key(std::int64_t first, std::int32_t second) noexcept {
    return (first << 32) + second;
}

/// Returns the `second` of such a key.
[[nodiscard]] constexpr std::int32_t second_of(std::int64_t key) noexcept {
    return static_cast<std::int32_t>(key & 0x7fffffff);
}

}  // namespace chimera::detail
