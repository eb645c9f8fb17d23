// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>

namespace chimera {

namespace detail {

/// The executor pads every tensor, of weights and of activations, to 16 numbers.
constexpr std::int64_t padded(std::int64_t elements) { return (elements + 15) / 16 * 16; }

template <class... Sizes>
constexpr std::int64_t padded_sum(Sizes... elements) {
    return (padded(elements) + ... + std::int64_t{0});
}

/// Elements that a block keeps for one unit of `rows` tokens: nine rows of channels (of which five are gradients that wait for the
/// second half of the backward), the norms' means and deviations, queries, keys and values, the wide rows twice, log-sums.
constexpr std::int64_t executed_block(std::int64_t rows, std::int64_t channels, std::int64_t heads) {
    const std::int64_t narrow = rows * channels;
    return 9 * padded(narrow) + 4 * padded(rows) + padded(3 * narrow) + 2 * padded(4 * narrow) + padded(rows * heads);
}

}  // namespace detail

/// GPT-2 as the executor trains it: untied head, 32 bits, what its layers keep, every tensor padded to 64 bytes. A sample is a
/// sequence, in units of `sequences` of them: bytes are exact for micro-batches of so many, and for others but for the padding.
/// Of the given sizes, tied and how are ignored.
constexpr model executed_gpt2(gpt2_sizes of, std::int64_t sequences = 1) {
    detail::check_size("sequences", sequences, 1 << 20);
    of.tied = false;
    of.how = {single_precision, false, true};
    model made = gpt2(of);
    const std::int64_t c = of.channels, v = of.vocabulary, rows = sequences * made.tokens;
    detail::check_size("tokens of a unit", rows, std::int64_t{1} << 31);
    const auto bytes = [&](std::int64_t elements) {
        return 4 * static_cast<double>(elements) / static_cast<double>(sequences);
    };
    const auto held = [&](layer& l, std::int64_t elements, std::int64_t kept, std::int64_t work) {
        l.padding = elements - l.parameters;
        l.activations = l.selective = bytes(kept);
        l.replicated = 0;
        l.workspace = bytes(work);
    };
    using detail::padded;
    for (layer& l : made.layers) {
        if (l.kind == layer_kind::embedding)
            held(l, detail::padded_sum(v * c, of.context * c), padded(rows * c), rows * c);
        else if (l.kind == layer_kind::head)
            held(l, detail::padded_sum(c, c, v * c), 3 * padded(rows * c) + 4 * padded(rows) + padded(rows * v),
                 rows * c);
        else
            held(l, 6 * padded(c) + detail::padded_sum(3 * c * c, 3 * c, c * c, 4 * c * c, 4 * c, 4 * c * c),
                 detail::executed_block(rows, c, of.heads), 4 * rows * c);
    }
    return made;
}

/// The executor's named models.
inline constexpr gpt2_sizes executed_tiny{.layers = 4, .heads = 2, .channels = 32, .vocabulary = 256, .context = 32};
inline constexpr gpt2_sizes executed_bytes{.layers = 4, .heads = 4, .channels = 64, .vocabulary = 256, .context = 64};

}  // namespace chimera
