// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace chimera {

/// The activations that a forward keeps for its backward: all (none recomputed), all but attention scores (selective),
/// the stage's input (full). mixed: chosen for each stage.
enum class recompute_mode : std::uint8_t { none, selective, full, mixed };

/// Returns the name of a choice on command lines and in files.
[[nodiscard]] constexpr const char* name(recompute_mode mode) noexcept {
    constexpr const char* names[] = {"none", "selective", "full", "mixed"};
    return names[static_cast<int>(mode)];
}

}  // namespace chimera
