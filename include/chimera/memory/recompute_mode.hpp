// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace chimera {

/// The activations that a forward keeps for its backward: all (none recomputed), all but attention scores (selective),
/// each layer's input (layers: the backward recomputes one layer after the other), the stage's input (full: a pass of
/// its own recomputes the stage). mixed: chosen for each stage.
enum class recompute_mode : std::uint8_t { none, selective, full, mixed, layers };

/// Returns the name of a choice on command lines and in files.
[[nodiscard]] constexpr const char* name(recompute_mode mode) noexcept {
    constexpr const char* names[] = {"none", "selective", "full", "mixed", "layers"};
    return names[static_cast<int>(mode)];
}

}  // namespace chimera
