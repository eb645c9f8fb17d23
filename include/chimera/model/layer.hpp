// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace chimera {

/// The kind of a layer. Partitions treat all kinds alike; figures of a whole model tell them apart.
enum class layer_kind : std::uint8_t {
    embedding,    ///< start of a model: tables or patches
    block,        ///< block of a transformer
    head,         ///< end of a model, with the loss
    convolution,  ///< stem or block of a residual network
    other         ///< any other
};

/// The part of a product that tensor parallelism gives to a slice.
enum class product_slice : std::uint8_t {
    outputs,  ///< columns of w: each slice makes a part of y
    inputs,   ///< rows of w: each slice makes a summand of y
    copies,   ///< heads: each slice makes some of the copies
    none      ///< nothing: each slice makes all of y
};

/// A product y = x w of a layer, for one sample: x has rows × inputs numbers, w inputs × outputs. Sizes decide how well
/// a device is filled.
struct matrix_product {
    std::int32_t rows = 0;     ///< per sample; a micro-batch has as many more
    std::int32_t inputs = 0;   ///< that are summed
    std::int32_t outputs = 0;  ///< of a row
    std::int32_t copies = 0;   ///< per sample, each with its own w: attention's heads. 0: one w for all samples
    product_slice slice = product_slice::none;  ///< part of a tensor slice
    bool first = false;                         ///< no layer waits for the gradient of x
    bool fp8 = false;  ///< its operands are cast to 8 bits, its result has 16; only where one w serves all samples

    friend constexpr bool operator==(const matrix_product&, const matrix_product&) = default;
};

/// The products of a layer, at most 12. FLOPs of others count in its sums alone.
struct product_list {
    std::array<matrix_product, 12> all{};  ///< the first `count` of them count
    std::int32_t count = 0;                ///< 0 … 12
    std::int32_t bytes = 2;                ///< of a number that is not cast to 8 bits

    /// Adds a product, unless there are 12.
    constexpr void add(const matrix_product& one) {
        if (count < static_cast<std::int32_t>(all.size())) all[static_cast<std::size_t>(count++)] = one;
    }
    /// Returns true if any of them has operands of 8 bits.
    [[nodiscard]] constexpr bool fp8() const noexcept {
        return std::any_of(all.data(), all.data() + count, [](const matrix_product& one) { return one.fp8; });
    }
    friend constexpr bool operator==(const product_list&, const product_list&) = default;
};

/// One layer, the smallest piece that a partition moves: what it holds, computes, keeps and hands on.
/// All but parameters is per sample (a sequence, an image): a micro-batch of b samples takes b times as much.
/// FLOPs count a multiply and an add as two. Bytes are those of the model's precision.
struct layer {
    label name;                             ///< such as `block.3`
    layer_kind kind = layer_kind::block;    ///< kind, for figures of a whole model
    std::int64_t parameters = 0;            ///< trained elements, without those of `tied_to`
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
    product_list products{};        ///< those of known sizes; the other FLOPs run as if in large ones
    std::int64_t heads = 0;         ///< of its attention, each of which one slice computes; 0: it has none
    std::int64_t shared_heads = 0;  ///< of its keys and values, likewise
};

}  // namespace chimera
