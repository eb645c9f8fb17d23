// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

namespace chimera {

/// The sizes of a LLaMA decoder: rotary positions, grouped queries, gated MLP (SwiGLU), norm by root mean square, no
/// biases.
struct llama_sizes {
    std::int64_t layers = 32, heads = 32, shared_heads = 32;  ///< shared: heads of keys and values
    /// The channels between layers and within an MLP, entries of the table of tokens, positions.
    std::int64_t channels = 4096, inner = 11008, vocabulary = 32000, context = 4096;
    bool tied = false;        ///< the head uses the table of tokens
    std::int64_t tokens = 0;  ///< per sample; 0: the context
    keeping how{{}, false};   ///< bytes that it keeps
};

/// Makes a LLaMA of these layers: embedding, the blocks, head (final norm, logits, loss). A rotation keeps nothing: its
/// backward is the inverse rotation.
[[nodiscard]] constexpr model llama(const llama_sizes& sizes = {}) {
    const std::int64_t tokens = sizes.tokens == 0 ? sizes.context : sizes.tokens, h = sizes.channels;
    detail::check_size("layers", sizes.layers, 65536);
    detail::check_size("heads", sizes.heads, 65536);
    detail::check_size("shared heads", sizes.shared_heads, sizes.heads);
    detail::check_size("channels", h, 1 << 20);
    detail::check_size("inner", sizes.inner, 1 << 24);
    detail::check_size("vocabulary", sizes.vocabulary, 1 << 28);
    detail::check_size("context", sizes.context, 1 << 28);
    detail::check_size("tokens", tokens, sizes.context);
    detail::check_heads(sizes.heads, h);
    if (sizes.heads % sizes.shared_heads != 0)
        refuse("shared heads do not divide heads (each serves as many queries) choose a divisor");
    const auto s = static_cast<double>(tokens);
    model made{"llama", {}, tokens, sizes.how.bytes};
    made.sizes = {decoder_kind::llama, h, sizes.inner, sizes.vocabulary, sizes.context, sizes.tied};
    made.layers.push_back(detail::embedding(sizes.how, s, h, sizes.vocabulary));
    for (std::int64_t i = 0; i < sizes.layers; ++i) {
        layer block{.name = detail::numbered("block.", i)};
        detail::add_norm(block, sizes.how, s, h, 1);
        detail::add_attention(block, sizes.how,
                              {h, sizes.heads, h / sizes.heads, sizes.shared_heads, tokens, tokens, false});
        detail::add_norm(block, sizes.how, s, h, 1);
        detail::add_mlp(block, sizes.how, s, h, sizes.inner, detail::activation::swiglu, false);
        block.output = sizes.how.bytes.activation * s * static_cast<double>(h);
        made.layers.push_back(block);
    }
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_norm(head, sizes.how, s, h, 1);
    detail::add_logits(head, sizes.how, s, h, sizes.vocabulary);
    detail::share_table(head, h, sizes.vocabulary, sizes.tied);
    made.layers.push_back(head);
    return made;
}

/// The LLaMA 2 of 7 billion parameters.
inline constexpr llama_sizes llama_2_7b{};
/// The LLaMA 2 of 13 billion parameters.
inline constexpr llama_sizes llama_2_13b{
    .layers = 40, .heads = 40, .shared_heads = 40, .channels = 5120, .inner = 13824};
/// The LLaMA 2 of 70 billion parameters.
inline constexpr llama_sizes llama_2_70b{
    .layers = 80, .heads = 64, .shared_heads = 8, .channels = 8192, .inner = 28672};
/// The LLaMA 3 of 8 billion parameters.
inline constexpr llama_sizes llama_3_8b{.shared_heads = 8, .inner = 14336, .vocabulary = 128256, .context = 8192};
/// The LLaMA 3 of 70 billion parameters.
inline constexpr llama_sizes llama_3_70b{.layers = 80,
                                         .heads = 64,
                                         .shared_heads = 8,
                                         .channels = 8192,
                                         .inner = 28672,
                                         .vocabulary = 128256,
                                         .context = 8192};
/// The LLaMA 3.1 of 405 billion parameters, at a context of 8,192.
inline constexpr llama_sizes llama_3_405b{.layers = 126,
                                          .heads = 128,
                                          .shared_heads = 8,
                                          .channels = 16384,
                                          .inner = 53248,
                                          .vocabulary = 128256,
                                          .context = 8192};

}  // namespace chimera
