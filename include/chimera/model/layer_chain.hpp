// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>

#include <cstdint>
#include <vector>

namespace chimera {

/// The bytes per number. The defaults are those of mixed precision with Adam: 16 bytes of state a parameter.
struct precision {
    double weight = 2;      ///< a weight that passes read
    double gradient = 2;    ///< a weight's gradient
    double optimiser = 12;  ///< master weight and two moments in 32 bits
    double activation = 2;  ///< an element that is kept or handed on

    friend constexpr bool operator==(const precision&, const precision&) = default;
};

/// The sizes with 32 bits throughout and Adam: weight, gradient and two moments.
inline constexpr precision single_precision{4, 4, 8, 4};

/// The kinds of decoder that training frameworks build by their sizes.
enum class decoder_kind : std::uint8_t {
    none,   ///< another model, or one given by its layers
    gpt2,   ///< learned positions, norms with a mean, biases, GELU
    llama,  ///< rotary positions, norms by root mean square, no biases, SwiGLU
};

/// The sizes of a decoder that its layers do not tell. Planning does not need them; frameworks that build it do.
struct decoder_sizes {
    decoder_kind kind = decoder_kind::none;  ///< kind of decoder
    std::int64_t channels = 0;               ///< channels between layers
    std::int64_t inner = 0;                  ///< channels within an MLP
    std::int64_t vocabulary = 0;             ///< entries of the table of tokens
    std::int64_t context = 0;                ///< positions, at least as many as tokens per sample
    bool tied = false;                       ///< the head uses the table of tokens

    friend constexpr bool operator==(const decoder_sizes&, const decoder_sizes&) = default;
};

/// A model as the planner sees it: layers in the order in which a sample passes them.
struct model {
    label name;                 ///< as plans and files show it
    std::vector<layer> layers;  ///< in the order in which a sample passes them
    std::int64_t tokens = 0;    ///< per sample; 0 where samples are not sequences
    precision bytes{};          ///< bytes of an element
    decoder_sizes sizes{};      ///< of a decoder of the catalogue
};

/// Returns the number of trained parameters, each counted once.
[[nodiscard]] constexpr std::int64_t parameters(const model& network) {
    std::int64_t sum = 0;
    for (const layer& l : network.layers) sum += l.parameters;
    return sum;
}

/// Returns true if linear products of the model have operands of 8 bits.
[[nodiscard]] constexpr bool uses_fp8(const model& network) {
    for (const layer& l : network.layers)
        if (l.products.fp8()) return true;
    return false;
}

/// Returns the FLOPs of a sample's forward and backward, nothing recomputed.
[[nodiscard]] constexpr double flops(const model& network) {
    double sum = 0;
    for (const layer& l : network.layers) sum += l.forward + l.input_gradient + l.weight_gradient;
    return sum;
}

}  // namespace chimera
