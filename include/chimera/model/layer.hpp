// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstdint>
#include <optional>

namespace chimera {

/// The kind of a layer. Partitions treat all kinds alike; figures of a whole model tell them apart.
enum class layer_kind : std::uint8_t { embedding, block, head, convolution, other };

/// One layer, the smallest piece that a partition moves: what it holds, computes, keeps and hands on.
/// All but parameters is per sample (a sequence, an image): a micro-batch of b samples takes b times as much.
/// FLOPs count a multiply and an add as two. Bytes are those of the model's precision.
struct layer {
    label name;
    layer_kind kind = layer_kind::block;
    std::int64_t parameters = 0;
    std::int64_t padding = 0;               ///< elements that alignment adds to them wherever they are held
    std::optional<std::int32_t> tied_to{};  ///< layer whose weights it uses as its own
    std::int64_t tied_parameters = 0;  ///< how many: held (and reduced) once more where that layer is on another stage
    double forward = 0;                ///< FLOPs
    double input_gradient = 0;         ///< FLOPs of the backward that the stage before waits for
    double weight_gradient = 0;        ///< FLOPs of the rest of the backward
    double selective_forward = 0;      ///< FLOPs that a selective recompute repeats (attention's core)
    double activations = 0;            ///< bytes from the forward to the backward, nothing recomputed
    double selective = 0;           ///< the same, attention's core recomputed; equal to activations where there is none
    double replicated = 0;          ///< of both: bytes that tensor parallelism does not divide
    double output = 0;              ///< bytes handed to the next layer; its gradient is as large. With all of a
                                    ///< stage recomputed, the input of its first layer is all that is kept
    double workspace = 0;           ///< bytes that a pass needs only while it runs
    double exchanged = 0;           ///< bytes that tensor parallelism all-reduces in the forward, and in the backward
    std::int64_t heads = 0;         ///< of its attention, each of which one slice computes; 0: it has none
    std::int64_t shared_heads = 0;  ///< of its keys and values, likewise
};

}  // namespace chimera
