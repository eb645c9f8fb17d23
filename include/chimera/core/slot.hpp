// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included from .cu files: plain data, no range-v3, no generator.

#include <cstdint>

namespace chimera {

/// The passes that a slot can compute. A full backward is an input gradient and a weight gradient in one.
enum class pass : std::uint8_t {
    forward,          ///< computes a stage's output from its input, and keeps an activation
    backward,         ///< both gradients in one pass; ends the activation
    input_gradient,   ///< first half of a backward: the gradient that the stage before waits for
    weight_gradient,  ///< second half: adds to the gradient of the weights; ends the activation
    recompute         ///< computes an activation again from the kept input, before its backward
};

/// Returns the letter of a pass in schedule files: F, B, I, W or R.
[[nodiscard]] constexpr char letter(pass op) noexcept { return "FBIWR"[static_cast<int>(op)]; }

/// Returns true for passes that send a gradient upstream: a full backward and its input-gradient half.
[[nodiscard]] constexpr bool sends_gradient(pass op) noexcept {
    return op == pass::backward || op == pass::input_gradient;
}

/// Returns true for passes that add to the weight gradient of a stage and then let go of the activation.
[[nodiscard]] constexpr bool ends_activation(pass op) noexcept {
    return op == pass::backward || op == pass::weight_gradient;
}

/// One pass of one stage over `count` units from `first`, on one pipeline, at a tick. 16 bytes.
struct slot {
    std::int32_t tick = 0;         ///< start on the schedule's integer grid
    std::int32_t first = 0;        ///< first unit, counted over the whole iteration
    std::uint16_t stage = 0;       ///< 0 … stages - 1
    std::uint16_t pipeline = 0;    ///< 0 … pipelines - 1
    std::uint16_t ticks = 1;       ///< length on the grid, at least 1
    pass op = pass::forward;       ///< pass that it computes
    std::uint8_t count : 7 = 1;    ///< units covered, 1 … 127
    std::uint8_t overlap : 1 = 0;  ///< 1: runs together with the next slot of the row

    /// Returns the tick at which it has ended: the first that is free again.
    [[nodiscard]] constexpr std::int32_t end() const noexcept { return tick + ticks; }
    friend constexpr bool operator==(const slot&, const slot&) = default;
};

static_assert(sizeof(slot) == 16);

}  // namespace chimera
