// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain data, without exceptions and without vectors: may be included where either is missing.

#include <chimera/program/instruction.hpp>

#include <cstdint>
#include <span>

namespace chimera {

/// A pass, as the hooks `forward`, `backward`, `input_gradient`, `weight_gradient` and `recompute` get it. Buffers are
/// numbers of the worker's own, from 0, each of one unit. A forward of stage s reads the activation that stage s - 1
/// made; a backward or an input gradient reads the gradient of the stage's output and writes that of its input.
struct pass_call {
    action op = action::forward;  ///< pass that it is
    std::uint8_t version = 0;     ///< weight buffer that it reads; 0 where weights change once an iteration
    std::uint16_t stage = 0;      ///< 0 … stages - 1
    std::uint16_t pipeline = 0;   ///< 0 … pipelines - 1
    bool from_data = false;       ///< forward of stage 0: the input is the unit's data, not a message buffer
    bool loss = false;            ///< last stage: a forward ends with the loss, a backward starts from it
    bool recomputed = false;      ///< forward: keep what the recompute starts from; backward: read `unfolded` instead
    bool overlaps = false;        ///< may run together with the pass behind it
    std::int32_t first = 0;       ///< first unit, counted over the iteration
    std::int32_t count = 1;       ///< units: first … first + count - 1
    std::span<const std::int32_t> activations;    ///< of each unit: the buffer that forward fills and backward reads
    std::span<const std::int32_t> inputs;         ///< of each unit: the message buffer to read; empty: none
    std::span<const std::int32_t> outputs;        ///< of each unit: the message buffer to write; empty: none
    std::span<const std::int32_t> unfolded;       ///< of each unit: the recompute buffer; empty: none
    std::span<const std::int32_t> skips_read;     ///< message buffers of skips to read: a forward those that end at its
                                                  ///< stage, a gradient those that begin there; link after link in the
                                                  ///< program's order, of each its units
    std::span<const std::int32_t> skips_written;  ///< message buffers of skips to write, the other way round
};

/// A send or a receive of `count` units, as the hooks `send`, `receive`, `start`, `wait` and `test` get it. It is in
/// message buffers buffer … buffer + count - 1, a unit each. Both ends have the same tag.
struct message_call {
    bool sends = false;          ///< false: it receives
    bool gradient = false;       ///< false: it is an activation
    std::uint16_t stage = 0;     ///< stage that receives, at both ends
    std::uint16_t pipeline = 0;  ///< 0 … pipelines - 1
    std::int32_t first = 0;      ///< first unit
    std::int32_t count = 1;      ///< units
    std::int32_t buffer = -1;    ///< first of its message buffers
    std::int32_t peer = -1;      ///< worker at the other end
    std::int32_t tag = -1;       ///< number of the message, different for each of an iteration
    std::int32_t group = -1;     ///< calls of one group progress together
    std::int32_t link = -1;  ///< skip that it serves, an index into the program's links; -1: a boundary of the chain
};

/// A stage whose gradient is reduced or whose weights are updated, as the hooks `start_reduction`, `wait_reduction` and
/// `update` get it.
struct stage_call {
    std::uint16_t stage = 0;                ///< 0 … stages - 1; of tied weights, the earlier stage
    std::uint8_t version = 0;               ///< update: the weight buffer to write
    std::uint8_t newest = 0;                ///< update: the weight buffer to start from
    std::int32_t update = 0;                ///< updates of the stage before it in the iteration
    bool last = true;                       ///< no further update of the stage follows in the iteration
    std::int32_t tied = -1;                 ///< reduction of tied weights: their number among the tied links
    std::span<const std::int32_t> members;  ///< workers that hold the stage, ascending: the order of the sum
};

}  // namespace chimera
