// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/model/gpt2.hpp>

#include <cstdint>
#include <string>

namespace chimera::executor {

/// The layout of numbers on a device of the executor.
struct executed_numbers {
    std::int64_t real =
        4;  ///< bytes of a weight and of an activation; gradients, moments and statistics have 4, master weights too
    std::int64_t granule = 16;  ///< numbers to which every tensor, of weights and of activations, is filled up
    std::int64_t columns = 1;   ///< to whose multiple the head's vocabulary is filled up
    double library = 0;         ///< bytes of work space that a stage's matrix products want

    friend constexpr bool operator==(const executed_numbers&, const executed_numbers&) = default;
};
inline constexpr executed_numbers numbers_on_cpu{};
inline constexpr executed_numbers numbers_on_cpu_in_bf16{2, 32, 1, 0};
inline constexpr executed_numbers numbers_on_gpu{4, 64, 64, 0x1p25};
inline constexpr executed_numbers numbers_on_gpu_in_bf16{2, 128, 64, 0x1p25};

namespace detail {

constexpr void check_units(const char* what, std::int64_t value, std::int64_t most) {
    if (value < 1 || value > most)
        refuse(std::string(what) + " is " + (value < 1 ? "below 1" : "too large") +
               " (it counts what the model has) give 1 to " + std::to_string(most));
}

/// Rounds tensor sizes up to the granule of a device.
struct padding_to {
    executed_numbers on;
    constexpr std::int64_t operator()(std::int64_t elements) const {
        return (elements + on.granule - 1) / on.granule * on.granule;
    }
    template <class... Sizes>
    constexpr std::int64_t sum(Sizes... elements) const {
        return ((*this)(elements) + ... + std::int64_t{0});
    }
    /// Returns the padded size of numbers of 4 bytes among shorter ones.
    constexpr std::int64_t wide(std::int64_t elements) const { return (*this)(elements * 4 / on.real); }
};

/// The elements that a block keeps for one unit of `rows` tokens: nine rows of channels (of which five are gradients
/// that wait for the second half of the backward), the norms' means and deviations, queries, keys and values, the wide
/// rows twice, log-sums.
constexpr std::int64_t executed_block(const padding_to& padded, std::int64_t rows, std::int64_t channels,
                                      std::int64_t heads) {
    const std::int64_t narrow = rows * channels;
    return 9 * padded(narrow) + 4 * padded.wide(rows) + padded(3 * narrow) + 2 * padded(4 * narrow) +
           padded.wide(rows * heads);
}

}  // namespace detail

/// Makes the GPT-2 that the executor trains: an untied head, the activations that its layers keep, every tensor padded.
/// A sample is a sequence. Bytes are exact for micro-batches of `sequences` samples; for other sizes the padding
/// differs. Ignores `tied` and `how` of the given sizes, but for products in 8 bits, which it refuses.
[[nodiscard]] constexpr model executed_gpt2(gpt2_sizes sizes, std::int64_t sequences = 1,
                                            const executed_numbers& numbers = {}) {
    detail::check_units("sequences", sequences, 1 << 20);
    if (sizes.how.fp8) refuse("chimera train has no products in 8 bits (its numbers have 16 or 32) leave them out");
    sizes.tied = false;
    sizes.how = {
        {static_cast<double>(numbers.real), 4, numbers.real < 4 ? 12.0 : 8.0, static_cast<double>(numbers.real)},
        false,
        true};
    model made = gpt2(sizes);
    const std::int64_t c = sizes.channels, v = sizes.vocabulary, rows = sequences * made.tokens;
    const std::int64_t columns = (v + numbers.columns - 1) / numbers.columns * numbers.columns;
    detail::check_units("tokens of a unit", rows, std::int64_t{1} << 31);
    const auto each = [&](double bytes) { return bytes / static_cast<double>(sequences); };
    const auto bytes = [&](std::int64_t elements) {
        return static_cast<double>(numbers.real) * static_cast<double>(elements);
    };
    const auto held = [&](layer& l, std::int64_t elements, std::int64_t kept, std::int64_t work) {
        l.padding = elements - l.parameters;
        l.activations = l.selective = each(bytes(kept));
        l.replicated = 0;
        l.workspace = each(bytes(work) + numbers.library);
    };
    const detail::padding_to padded{numbers};
    for (layer& l : made.layers) {
        if (l.kind == layer_kind::embedding)
            held(l, padded.sum(v * c, sizes.context * c), padded(rows * c), rows * c);
        else if (l.kind == layer_kind::head)
            held(l, padded.sum(c, c, columns * c),
                 3 * padded(rows * c) + 3 * padded.wide(rows) + padded(rows * columns), rows * c);
        else
            held(l, 6 * padded(c) + padded.sum(3 * c * c, 3 * c, c * c, 4 * c * c, 4 * c, 4 * c * c),
                 detail::executed_block(padded, rows, c, sizes.heads), 4 * rows * c);
    }
    return made;
}

}  // namespace chimera::executor
