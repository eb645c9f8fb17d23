// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

namespace chimera {

/// Decoders as LLaMA has them: rotary positions, grouped queries, gated MLP (SwiGLU), norm by root mean square, no biases.
struct llama_sizes {
    std::int64_t layers = 32, heads = 32, shared_heads = 32;  ///< shared: heads of keys and values
    std::int64_t channels = 4096, inner = 11008, vocabulary = 32000, context = 4096;
    bool tied = false;
    std::int64_t tokens = 0;  ///< per sample; 0: the context
    keeping how{{}, false};
};

/// Layers: embedding, the blocks, head (final norm, logits, loss). A rotation keeps nothing: its backward is the rotation back.
constexpr model llama(const llama_sizes& of = {}) {
    const std::int64_t tokens = of.tokens == 0 ? of.context : of.tokens, h = of.channels;
    detail::check_size("layers", of.layers, 65536);
    detail::check_size("heads", of.heads, 65536);
    detail::check_size("shared heads", of.shared_heads, of.heads);
    detail::check_size("channels", h, 1 << 20);
    detail::check_size("inner", of.inner, 1 << 24);
    detail::check_size("vocabulary", of.vocabulary, 1 << 28);
    detail::check_size("context", of.context, 1 << 28);
    detail::check_size("tokens", tokens, of.context);
    detail::check_heads(of.heads, h);
    if (of.heads % of.shared_heads != 0)
        refuse("shared heads do not divide heads (each serves as many queries) choose a divisor");
    const auto s = static_cast<double>(tokens);
    model made{"llama", {}, tokens, of.how.bytes};
    made.layers.push_back(detail::embedding(of.how, s, h, of.vocabulary));
    for (std::int64_t i = 0; i < of.layers; ++i) {
        layer block{.name = detail::numbered("block.", i)};
        detail::add_norm(block, of.how, s, h, 1);
        detail::add_attention(block, of.how, {h, of.heads, h / of.heads, of.shared_heads, tokens, tokens, false});
        detail::add_norm(block, of.how, s, h, 1);
        detail::add_mlp(block, of.how, s, h, of.inner, detail::activation::swiglu, false);
        block.output = of.how.bytes.activation * s * static_cast<double>(h);
        made.layers.push_back(block);
    }
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_norm(head, of.how, s, h, 1);
    detail::add_logits(head, of.how, s, h, of.vocabulary);
    detail::share_table(head, h, of.vocabulary, of.tied);
    made.layers.push_back(head);
    return made;
}

inline constexpr llama_sizes llama_2_7b{};
inline constexpr llama_sizes llama_2_13b{
    .layers = 40, .heads = 40, .shared_heads = 40, .channels = 5120, .inner = 13824};
inline constexpr llama_sizes llama_2_70b{
    .layers = 80, .heads = 64, .shared_heads = 8, .channels = 8192, .inner = 28672};
inline constexpr llama_sizes llama_3_8b{.shared_heads = 8, .inner = 14336, .vocabulary = 128256, .context = 8192};
inline constexpr llama_sizes llama_3_70b{.layers = 80,
                                         .heads = 64,
                                         .shared_heads = 8,
                                         .channels = 8192,
                                         .inner = 28672,
                                         .vocabulary = 128256,
                                         .context = 8192};

}  // namespace chimera
