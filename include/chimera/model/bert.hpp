// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>

namespace chimera {

/// BERT with both of its pre-training heads: masked tokens and next sentence.
struct bert_sizes {
    std::int64_t layers = 48, heads = 16, channels = 1024, vocabulary = 30522, context = 512, segments = 2;
    bool tied = false;        ///< the decoder of masked tokens uses the table of tokens
    std::int64_t tokens = 0;  ///< per sample; 0: the context
    keeping how{};
};

/// Layers: embedding (tokens, positions, segments, norm), the blocks, head (pooler and next sentence; transform, norm and decoder).
/// The decoder scores every token, masked or not.
constexpr model bert(const bert_sizes& of = {}) {
    const std::int64_t tokens = of.tokens == 0 ? of.context : of.tokens, h = of.channels;
    detail::check_language(of.layers, of.heads, h, of.vocabulary, of.context, tokens);
    detail::check_size("segments", of.segments, 65536);
    detail::check_heads(of.heads, h);
    const auto s = static_cast<double>(tokens), c = static_cast<double>(h);
    const double size = of.how.bytes.activation;
    model made{"bert", {}, tokens, of.how.bytes};
    layer first = detail::embedding(of.how, s, h, of.vocabulary + of.context + of.segments);
    detail::add_norm(first, of.how, s, h, 2);
    made.layers.push_back(first);
    for (std::int64_t i = 0; i < of.layers; ++i)
        made.layers.push_back(detail::block("block.", i, of.how, tokens, of.heads, h));
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_product(head, 1, c, c);  // pooler, of the first token
    detail::add_product(head, 1, c, 2);
    detail::add_product(head, s, c, c);  // transform, gelu, norm
    head.parameters += 2 * (h * h + h) + 2 * h + 2 + of.vocabulary;
    detail::keep(head, 0, size * (2 * s * c + 2 * c));
    detail::add_norm(head, of.how, s, h, 2);
    detail::add_logits(head, of.how, s, h, of.vocabulary);
    detail::share_table(head, h, of.vocabulary, of.tied);
    made.layers.push_back(head);
    return made;
}

inline constexpr bert_sizes bert_base{.layers = 12, .heads = 12, .channels = 768, .tied = true};
inline constexpr bert_sizes bert_large{.layers = 24, .tied = true};

/// Bert-48 of the Chimera paper, 32 bits: 128 tokens on its P100 nodes, 512 on its V100 nodes.
inline constexpr bert_sizes bert_48{.tokens = 128, .how = {.bytes = single_precision}};
inline constexpr bert_sizes bert_48_512{.how = {.bytes = single_precision}};

}  // namespace chimera
