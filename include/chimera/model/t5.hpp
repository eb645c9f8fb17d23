// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

namespace chimera {

/// T5 (Raffel et al., arXiv 1910.10683), first version: encoder and decoder, relative position bias, ReLU, one table for both
/// embeddings and the head, no biases.
struct t5_sizes {
    std::int64_t layers = 6;  ///< of the encoder, and as many of the decoder
    std::int64_t heads = 8, head_size = 64, channels = 512, inner = 2048, vocabulary = 32128;
    std::int64_t buckets = 32;                 ///< of relative positions, a bias a head each
    std::int64_t tokens = 512, targets = 114;  ///< per sample: into the encoder, into the decoder
    bool tied = true;
    keeping how{};
};

namespace detail {

/// The bias of relative positions is a parameter of the first layer of each half.
constexpr layer encoder_layer(const t5_sizes& of, std::int64_t i) {
    const auto s = static_cast<double>(of.tokens);
    layer made{.name = numbered("encoder.", i)};
    if (i == 0) made.parameters += of.buckets * of.heads;
    add_norm(made, of.how, s, of.channels, 1);
    add_attention(made, of.how, {of.channels, of.heads, of.head_size, of.heads, of.tokens, of.tokens, false});
    add_norm(made, of.how, s, of.channels, 1);
    add_mlp(made, of.how, s, of.channels, of.inner, activation::relu, false);
    if (of.how.dropout) keep(made, s * static_cast<double>(of.inner), 0);  // T5 drops inside the MLP as well
    made.output = of.how.bytes.activation * s * static_cast<double>(of.channels);
    return made;
}

/// Hands on what the encoder made beside its own rows, unless it is the last.
constexpr layer decoder_layer(const t5_sizes& of, std::int64_t i) {
    const auto s = static_cast<double>(of.targets), c = static_cast<double>(of.channels);
    const double rows = s + (i + 1 < of.layers ? static_cast<double>(of.tokens) : 0);
    layer made{.name = numbered("decoder.", i)};
    if (i == 0) made.parameters += of.buckets * of.heads;
    for (const std::int64_t keys : {of.targets, of.tokens}) {
        add_norm(made, of.how, s, of.channels, 1);
        add_attention(made, of.how, {of.channels, of.heads, of.head_size, of.heads, of.targets, keys, false});
    }
    add_norm(made, of.how, s, of.channels, 1);
    add_mlp(made, of.how, s, of.channels, of.inner, activation::relu, false);
    if (of.how.dropout) keep(made, s * static_cast<double>(of.inner), 0);
    made.output = of.how.bytes.activation * rows * c;
    return made;
}

}  // namespace detail

/// Layers: embedding, encoder layers, decoder.embedding (with the encoder's final norm), decoder layers, head. Boundaries from
/// decoder.embedding on carry the encoder's output too; it is kept once, by decoder.embedding.
constexpr model t5(const t5_sizes& of = {}) {
    detail::check_size("layers", of.layers, 65536);
    detail::check_size("heads", of.heads, 65536);
    detail::check_size("head size", of.head_size, 65536);
    detail::check_size("heads times head size", of.heads * of.head_size, 1 << 20);
    detail::check_size("channels", of.channels, 1 << 20);
    detail::check_size("inner", of.inner, 1 << 24);
    detail::check_size("vocabulary", of.vocabulary, 1 << 28);
    detail::check_size("buckets", of.buckets, 65536);
    detail::check_size("tokens", of.tokens, 1 << 28);
    detail::check_size("targets", of.targets, 1 << 28);
    const auto s = static_cast<double>(of.tokens), r = static_cast<double>(of.targets);
    const double narrow = of.how.bytes.activation * s * static_cast<double>(of.channels);
    model made{"t5", {}, of.tokens + of.targets, of.how.bytes};
    made.layers.push_back(detail::embedding(of.how, s, of.channels, of.vocabulary));
    for (std::int64_t i = 0; i < of.layers; ++i) made.layers.push_back(detail::encoder_layer(of, i));
    layer between = detail::embedding(of.how, r, of.channels, 0);
    between.name = "decoder.embedding";
    detail::share_table(between, of.channels, of.vocabulary, true);
    detail::add_norm(between, of.how, s, of.channels, 1);
    detail::keep(between, 0, narrow + (of.how.dropout ? s * static_cast<double>(of.channels) : 0));
    between.output += narrow;
    made.layers.push_back(between);
    for (std::int64_t i = 0; i < of.layers; ++i) made.layers.push_back(detail::decoder_layer(of, i));
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_norm(head, of.how, r, of.channels, 1);
    detail::add_logits(head, of.how, r, of.channels, of.vocabulary);
    detail::share_table(head, of.channels, of.vocabulary, of.tied);
    made.layers.push_back(head);
    return made;
}

inline constexpr t5_sizes t5_small{};
inline constexpr t5_sizes t5_base{.layers = 12, .heads = 12, .channels = 768, .inner = 3072};
inline constexpr t5_sizes t5_large{.layers = 24, .heads = 16, .channels = 1024, .inner = 4096};

}  // namespace chimera
