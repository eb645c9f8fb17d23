// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace chimera {

/// What a backward finds of its forward's activations: all; all but attention's core; the stage's input. mixed: decided for
/// every stage.
enum class recompute_mode : std::uint8_t { none, selective, full, mixed };

/// The name of a choice on command lines and in files.
[[nodiscard]] constexpr const char* name(recompute_mode mode) noexcept {
    constexpr const char* names[] = {"none", "selective", "full", "mixed"};
    return names[static_cast<int>(mode)];
}

}  // namespace chimera
