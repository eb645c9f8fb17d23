// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>

#include <compare>

namespace chimera {

/// The slices that share every layer (tensor parallelism), and whether they share by tokens what they would otherwise
/// all hold (sequence parallelism, Korthikanti et al., arXiv 2205.05198, section 4.2).
struct slicing {
    int width = 1;           ///< slices of a layer
    bool sequences = false;  ///< they share by tokens as well

    constexpr slicing() = default;
    /// Slices without sequence parallelism.
    constexpr slicing(int slices, bool by_sequences = false) noexcept  // NOLINT: a number of slices says it all
        : width(slices), sequences(by_sequences && slices > 1) {}

    /// Returns a slice's part of `all` bytes of a layer, `whole` of which tensor parallelism alone does not divide.
    [[nodiscard]] constexpr double part(double all, double whole) const noexcept {
        return sequences ? all / width : whole + (all - whole) / width;
    }
    /// Returns a slice's part of bytes that are handed from layer to layer.
    [[nodiscard]] constexpr double of_boundary(double bytes) const noexcept {
        return sequences ? bytes / width : bytes;
    }

    friend constexpr auto operator<=>(const slicing&, const slicing&) = default;
};

}  // namespace chimera
