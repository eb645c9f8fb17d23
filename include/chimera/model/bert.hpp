// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>

namespace chimera {

/// The sizes of a BERT with both of its pre-training heads: masked tokens and next sentence.
struct bert_sizes {
    /// The numbers of blocks, heads of each, channels, entries of the table of tokens, positions, kinds of segments.
    std::int64_t layers = 48, heads = 16, channels = 1024, vocabulary = 30522, context = 512, segments = 2;
    bool tied = false;        ///< the decoder of masked tokens uses the table of tokens
    std::int64_t tokens = 0;  ///< per sample; 0: the context
    keeping how{};            ///< bytes that it keeps
};

/// Makes a BERT of these layers: embedding (tokens, positions, segments, norm), the blocks, head (pooler and next
/// sentence; transform, norm and decoder). The decoder scores every token, masked or not.
[[nodiscard]] constexpr model bert(const bert_sizes& sizes = {}) {
    const std::int64_t tokens = sizes.tokens == 0 ? sizes.context : sizes.tokens, h = sizes.channels;
    detail::check_language(sizes.layers, sizes.heads, h, sizes.vocabulary, sizes.context, tokens);
    detail::check_size("segments", sizes.segments, 65536);
    detail::check_heads(sizes.heads, h);
    const auto s = static_cast<double>(tokens), c = static_cast<double>(h);
    const double size = sizes.how.bytes.activation;
    model made{"bert", {}, tokens, sizes.how.bytes};
    layer first = detail::embedding(sizes.how, s, h, sizes.vocabulary + sizes.context + sizes.segments);
    detail::add_norm(first, sizes.how, s, h, 2);
    made.layers.push_back(first);
    for (std::int64_t i = 0; i < sizes.layers; ++i)
        made.layers.push_back(detail::block("block.", i, sizes.how, tokens, sizes.heads, h));
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_product(head, 1, c, c);  // pooler, of the first token
    detail::add_product(head, 1, c, 2);
    detail::add_product(head, s, c, c);  // transform, gelu, norm
    head.parameters += 2 * (h * h + h) + 2 * h + 2 + sizes.vocabulary;
    detail::keep(head, 0, size * (2 * s * c + 2 * c));
    detail::add_norm(head, sizes.how, s, h, 2);
    detail::add_logits(head, sizes.how, s, h, sizes.vocabulary);
    detail::share_table(head, h, sizes.vocabulary, sizes.tied);
    made.layers.push_back(head);
    return made;
}

/// The BERT-Base (Devlin et al., arXiv 1810.04805): 12 layers, 768 channels.
inline constexpr bert_sizes bert_base{.layers = 12, .heads = 12, .channels = 768, .tied = true};
/// The BERT-Large: 24 layers, 1,024 channels.
inline constexpr bert_sizes bert_large{.layers = 24, .tied = true};

/// The Bert-48 of the Chimera paper, 32 bits: 128 tokens on its P100 nodes, 512 on its V100 nodes.
inline constexpr bert_sizes bert_48{.tokens = 128, .how = {.bytes = single_precision}};
/// The Bert-48 of that paper over 512 tokens.
inline constexpr bert_sizes bert_48_512{.how = {.bytes = single_precision}};

}  // namespace chimera
