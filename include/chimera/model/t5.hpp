// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

namespace chimera {

/// The sizes of a T5 (Raffel et al., arXiv 1910.10683), first version: encoder and decoder, relative position bias,
/// ReLU, one table for both embeddings and the head, no biases.
struct t5_sizes {
    std::int64_t layers = 6;  ///< of the encoder, and as many of the decoder
    /// The heads of a layer, channels of a head, between layers and within an MLP, entries of the table of tokens.
    std::int64_t heads = 8, head_size = 64, channels = 512, inner = 2048, vocabulary = 32128;
    std::int64_t buckets = 32;                 ///< of relative positions, a bias a head each
    std::int64_t tokens = 512, targets = 114;  ///< per sample: into the encoder, into the decoder
    bool tied = true;                          ///< the head uses the table of tokens
    keeping how{};                             ///< bytes that it keeps
};

namespace detail {

/// The bias of relative positions is a parameter of the first layer of each half.
constexpr layer encoder_layer(const t5_sizes& sizes, std::int64_t i) {
    const auto s = static_cast<double>(sizes.tokens);
    layer made{.name = numbered("encoder.", i)};
    if (i == 0) made.parameters += sizes.buckets * sizes.heads;
    add_norm(made, sizes.how, s, sizes.channels, 1);
    add_attention(made, sizes.how,
                  {sizes.channels, sizes.heads, sizes.head_size, sizes.heads, sizes.tokens, sizes.tokens, false});
    add_norm(made, sizes.how, s, sizes.channels, 1);
    add_mlp(made, sizes.how, s, sizes.channels, sizes.inner, activation::relu, false);
    if (sizes.how.dropout) keep(made, s * static_cast<double>(sizes.inner), 0);  // T5 drops inside the MLP as well
    made.output = sizes.how.bytes.activation * s * static_cast<double>(sizes.channels);
    return made;
}

/// Hands on what the encoder made beside its own rows, unless it is the last.
constexpr layer decoder_layer(const t5_sizes& sizes, std::int64_t i) {
    const auto s = static_cast<double>(sizes.targets), c = static_cast<double>(sizes.channels);
    const double rows = s + (i + 1 < sizes.layers ? static_cast<double>(sizes.tokens) : 0);
    layer made{.name = numbered("decoder.", i)};
    if (i == 0) made.parameters += sizes.buckets * sizes.heads;
    for (const std::int64_t keys : {sizes.targets, sizes.tokens}) {
        add_norm(made, sizes.how, s, sizes.channels, 1);
        add_attention(made, sizes.how,
                      {sizes.channels, sizes.heads, sizes.head_size, sizes.heads, sizes.targets, keys, false});
    }
    add_norm(made, sizes.how, s, sizes.channels, 1);
    add_mlp(made, sizes.how, s, sizes.channels, sizes.inner, activation::relu, false);
    if (sizes.how.dropout) keep(made, s * static_cast<double>(sizes.inner), 0);
    made.output = sizes.how.bytes.activation * rows * c;
    return made;
}

}  // namespace detail

/// Makes a T5 of these layers: embedding, encoder layers, decoder.embedding (with the encoder's final norm), decoder
/// layers, head. Boundaries from decoder.embedding on carry the encoder's output too; it is kept once, by
/// decoder.embedding.
[[nodiscard]] constexpr model t5(const t5_sizes& sizes = {}) {
    detail::check_size("layers", sizes.layers, 65536);
    detail::check_size("heads", sizes.heads, 65536);
    detail::check_size("head size", sizes.head_size, 65536);
    detail::check_size("heads times head size", sizes.heads * sizes.head_size, 1 << 20);
    detail::check_size("channels", sizes.channels, 1 << 20);
    detail::check_size("inner", sizes.inner, 1 << 24);
    detail::check_size("vocabulary", sizes.vocabulary, 1 << 28);
    detail::check_size("buckets", sizes.buckets, 65536);
    detail::check_size("tokens", sizes.tokens, 1 << 28);
    detail::check_size("targets", sizes.targets, 1 << 28);
    const auto s = static_cast<double>(sizes.tokens), r = static_cast<double>(sizes.targets);
    const double narrow = sizes.how.bytes.activation * s * static_cast<double>(sizes.channels);
    model made{"t5", {}, sizes.tokens + sizes.targets, sizes.how.bytes};
    made.layers.push_back(detail::embedding(sizes.how, s, sizes.channels, sizes.vocabulary));
    for (std::int64_t i = 0; i < sizes.layers; ++i) made.layers.push_back(detail::encoder_layer(sizes, i));
    layer between = detail::embedding(sizes.how, r, sizes.channels, 0);
    between.name = "decoder.embedding";
    detail::share_table(between, sizes.channels, sizes.vocabulary, true);
    detail::add_norm(between, sizes.how, s, sizes.channels, 1);
    detail::keep(between, 0, narrow + (sizes.how.dropout ? s * static_cast<double>(sizes.channels) : 0));
    between.output += narrow;
    made.layers.push_back(between);
    for (std::int64_t i = 0; i < sizes.layers; ++i) made.layers.push_back(detail::decoder_layer(sizes, i));
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_norm(head, sizes.how, r, sizes.channels, 1);
    detail::add_logits(head, sizes.how, r, sizes.channels, sizes.vocabulary);
    detail::share_table(head, sizes.channels, sizes.vocabulary, sizes.tied);
    made.layers.push_back(head);
    return made;
}

/// The T5-Small: 6 layers each way, 512 channels.
inline constexpr t5_sizes t5_small{};
/// The T5-Base: 12 layers each way, 768 channels.
inline constexpr t5_sizes t5_base{.layers = 12, .heads = 12, .channels = 768, .inner = 3072};
/// The T5-Large: 24 layers each way, 1,024 channels.
inline constexpr t5_sizes t5_large{.layers = 24, .heads = 16, .channels = 1024, .inner = 4096};

}  // namespace chimera
