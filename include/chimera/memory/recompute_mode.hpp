// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace chimera {

/// The activations that a forward keeps for its backward.
enum class recompute_mode : std::uint8_t {
    none,       ///< keeps all: nothing is recomputed
    selective,  ///< keeps all but attention's core, which the backward recomputes
    full,       ///< keeps the stage's input: a pass of its own recomputes the stage
    mixed,      ///< another mode for each stage
    layers      ///< keeps each layer's input: the backward recomputes one layer after the other
};

/// Returns the name of a choice on command lines and in files.
[[nodiscard]] constexpr const char* name(recompute_mode mode) noexcept {
    constexpr const char* names[] = {"none", "selective", "full", "mixed", "layers"};
    return names[static_cast<int>(mode)];
}

}  // namespace chimera
