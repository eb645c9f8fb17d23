// SPDX-License-Identifier: Apache-2.0
#pragma once

// For hosts and devices, with or without CUDA.

#include <bit>
#include <cstdint>
#include <type_traits>

namespace chimera::executor {

/// The upper half of a float: 1 sign bit, 8 bits of exponent, 7 of fraction. Stored, never computed with.
struct bf16 {
    std::uint16_t bits = 0;
    friend constexpr bool operator==(const bf16&, const bf16&) = default;
};

constexpr float to_float(bf16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

/// Rounds to nearest, ties to even, like the device; too large becomes infinity, every NaN becomes the same one.
constexpr bf16 to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};
    return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

/// As a number of that type.
template <class Real>
constexpr Real rounded(float x) {
    if constexpr (std::is_same_v<Real, bf16>)
        return to_bf16(x);
    else
        return static_cast<Real>(x);
}

}  // namespace chimera::executor
