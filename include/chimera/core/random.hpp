// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace chimera::detail {

/// Random numbers that are the same everywhere (splitmix64).
class draw {
public:
    explicit constexpr draw(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    /// 0 … below - 1; below at least 1.
    constexpr std::int32_t index(std::int32_t below) {
        return static_cast<std::int32_t>((bits() >> 32) * static_cast<std::uint64_t>(below) >> 32);
    }
    /// 0 … 1, 1 excluded.
    constexpr double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

private:
    std::uint64_t state_;
};

}  // namespace chimera::detail
