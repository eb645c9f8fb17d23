// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included from .cu files: plain data, no range-v3, no generator.

#include <chimera/core/slot.hpp>

#include <cstdint>

namespace chimera {

/// The actions that a worker performs, in the order of the program file's names. Each says what it reads and writes,
/// and when that memory may be used again; in a pair (`overlap`), not before both passes have ended.
enum class action : std::uint8_t {
    /// Reads the stage's input (the unit's data, or the messages `message` …) and weight version `version`. Writes the
    /// stage's output, or the loss, and fills its activation buffers, which are in use until the backward, or its
    /// weight half, has ended. The input's memory may be used again when it returns.
    forward,
    /// Reads the gradient of the stage's output (on the last stage the loss), the activation buffers and the forward's
    /// weight version. Adds to the stage's weight gradient and writes the gradient of its input, but on stage 0. The
    /// activation buffers and the memory of the gradient that it read may be used again when it returns.
    backward,
    /// Reads what a backward reads. Writes the gradient of the stage's input, and into the activation buffers what the
    /// weight half needs: they stay in use. The memory of the gradient that it read may be used again.
    input_gradient,
    /// Reads the activation buffers as the input half left them. Adds to the stage's weight gradient. The activation
    /// buffers may be used again when it returns.
    weight_gradient,
    /// Reads the input that the forward kept in the activation buffers, and the forward's weight version. Writes all
    /// that the backward reads, into memory that is in use until the backward, or its weight half, has ended.
    recompute,
    /// Reads the output of stage `stage` - 1 for worker `peer`. The output's memory may be used again when the send has
    /// ended, which an executor may wait for later than here.
    send_activation,
    /// Writes the input of `stage`, made by worker `peer`. The memory is in use from the start of the receive until the
    /// forward that names the message has ended.
    recv_activation,
    /// Reads the gradient that stage `stage` + 1 made of its input, for worker `peer`. Its memory may be used again
    /// when the send has ended, as for an activation.
    send_gradient,
    /// Writes the gradient of the output of `stage`, made by worker `peer`. The memory is in use from the start of the
    /// receive until the backward or input gradient that names the message has ended.
    recv_gradient,
    /// Starts to add up the stage's gradient over its replica group, and returns at once. The reduction reads and
    /// writes the gradient until `wait_gradient` has returned: no pass may add to it before.
    reduce_gradient,
    /// Waits until that reduction has ended on this worker. The gradient is then the sum over the replica group, for
    /// `update_weights` to read.
    wait_gradient,
    /// Reads the stage's gradient, the newest weights and the optimiser's state. Writes the weights of version
    /// `version` and the state, and clears the gradient for the next sum. Weights of that version may be written since
    /// no later pass reads what they held.
    update_weights,
};

/// The number of actions.
inline constexpr int action_count = 12;

static_assert(static_cast<int>(action::forward) == static_cast<int>(pass::forward) &&
                  static_cast<int>(action::backward) == static_cast<int>(pass::backward) &&
                  static_cast<int>(action::input_gradient) == static_cast<int>(pass::input_gradient) &&
                  static_cast<int>(action::weight_gradient) == static_cast<int>(pass::weight_gradient) &&
                  static_cast<int>(action::recompute) == static_cast<int>(pass::recompute),
              "lower() and the laws convert between pass and action by value");

/// Returns true for passes: what takes a worker's time.
[[nodiscard]] constexpr bool is_compute(action op) noexcept { return op <= action::recompute; }
/// Returns true for an action that hands an activation or a gradient to another worker.
[[nodiscard]] constexpr bool is_send(action op) noexcept {
    return op == action::send_activation || op == action::send_gradient;
}
/// Returns true for an action that takes one from another worker.
[[nodiscard]] constexpr bool is_recv(action op) noexcept {
    return op == action::recv_activation || op == action::recv_gradient;
}
/// Returns true for sends and receives.
[[nodiscard]] constexpr bool is_transfer(action op) noexcept { return is_send(op) || is_recv(op); }

/// The name of an action in program files.
[[nodiscard]] constexpr const char* name(action op) noexcept {
    constexpr const char* names[action_count] = {
        "forward",         "backward",      "input_gradient", "weight_gradient", "recompute",     "send_activation",
        "recv_activation", "send_gradient", "recv_gradient",  "reduce_gradient", "wait_gradient", "update_weights"};
    return names[static_cast<int>(op)];
}

/// One step of one worker's program. Fields that do not apply to the action are -1. 32 bytes.
struct instruction {
    action op = action::forward;   ///< action that it is
    std::uint8_t count : 7 = 1;    ///< units covered, 1 … 127
    std::uint8_t overlap : 1 = 0;  ///< compute, 1: may run together with the next compute instruction of the worker
    std::uint16_t pipeline = 0;    ///< 0 … pipelines - 1
    std::uint16_t stage = 0;       ///< on a send or a receive: the stage that receives; reduction: stages + k is the
                                   ///< k-th tied link
    std::uint8_t inputs = 0;       ///< compute: how many messages it consumes: `message` … message + inputs - 1
    std::uint8_t version = 0;      ///< compute: the weight version it reads; update: the one it writes
    std::int32_t first = -1;       ///< first unit
    std::int32_t peer = -1;        ///< send, recv: the worker at the other end
    std::int32_t buffer = -1;      ///< compute: activation buffer of unit `first`; see program::buffers for count > 1
    std::int32_t group = -1;       ///< send, recv: consecutive calls of one group progress together
    std::int32_t message = -1;     ///< send, recv: index of the message, the same at both ends; compute: see `inputs`
    std::int32_t list = -1;        ///< compute with count > 1: where its buffers start in program::buffers; transfer:
                                   ///< the link that it serves, in program::links; -1: a boundary of the chain

    friend constexpr bool operator==(const instruction&, const instruction&) = default;
};

static_assert(sizeof(instruction) == 32);

}  // namespace chimera
