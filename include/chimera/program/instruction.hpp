// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included from .cu files: plain data, no range-v3, no generator.

#include <chimera/core/slot.hpp>

#include <cstdint>

namespace chimera {

/// The actions that a worker performs, in the order of the program file's names.
enum class action : std::uint8_t {
    forward,
    backward,
    input_gradient,
    weight_gradient,
    recompute,
    send_activation,
    recv_activation,
    send_gradient,
    recv_gradient,
    reduce_gradient,  ///< starts the reduction of a stage's gradient over its replica group; does not wait
    wait_gradient,    ///< waits until that reduction has ended on this worker
    update_weights,
};

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
    action op = action::forward;
    std::uint8_t count : 7 = 1;    ///< units covered, 1 … 127
    std::uint8_t overlap : 1 = 0;  ///< compute, 1: may run together with the next compute instruction of the worker
    std::uint16_t pipeline = 0;
    std::uint16_t stage = 0;    ///< on a send or a receive: the stage that receives; reduction: stages + k is the k-th
                                ///< tied link
    std::uint8_t inputs = 0;    ///< compute: how many messages it consumes: `message` … message + inputs - 1
    std::uint8_t version = 0;   ///< compute: the weight version it reads; update: the one it writes
    std::int32_t first = -1;    ///< first unit
    std::int32_t peer = -1;     ///< send, recv: the worker at the other end
    std::int32_t buffer = -1;   ///< compute: activation buffer of unit `first`; see program::buffers for count > 1
    std::int32_t group = -1;    ///< send, recv: consecutive calls of one group progress together
    std::int32_t message = -1;  ///< send, recv: index of the message, the same at both ends; compute: see `inputs`
    std::int32_t list = -1;     ///< compute with count > 1: where its buffers start in program::buffers; send, recv:
                                ///< the link that it serves, an index into program::links, -1: a boundary of the chain

    friend constexpr bool operator==(const instruction&, const instruction&) = default;
};

static_assert(sizeof(instruction) == 32);

}  // namespace chimera
