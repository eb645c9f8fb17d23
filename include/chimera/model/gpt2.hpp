// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

namespace chimera {

/// The sizes of a GPT-2 or GPT-3: pre-norm blocks, learned positions, four times as wide inside.
struct gpt2_sizes {
    /// The numbers of blocks, heads of each, channels, entries of the table of tokens, positions.
    int layers = 12, heads = 12, channels = 768, vocabulary = 50257, context = 1024;
    bool tied = true;  ///< the head uses the table of tokens
    int tokens = 0;    ///< per sample; 0: the context
    keeping how{};     ///< bytes that it keeps

    friend constexpr bool operator==(const gpt2_sizes&, const gpt2_sizes&) = default;
};

namespace detail {

constexpr void check_language(std::int64_t layers, std::int64_t heads, std::int64_t channels, std::int64_t vocabulary,
                              std::int64_t context, std::int64_t tokens) {
    check_size("layers", layers, 65536);
    check_size("heads", heads, 65536);
    check_size("channels", channels, 1 << 20);
    check_size("vocabulary", vocabulary, 1 << 28);
    check_size("context", context, 1 << 28);
    check_size("tokens", tokens, context);
}

/// A block of self-attention and MLP, each with a norm: 12h² + 13h parameters. It keeps sh(34 + 5as/h) bytes in 16 bits
/// with dropout.
constexpr layer block(const char* prefix, std::int64_t i, const keeping& policy, std::int64_t tokens,
                      std::int64_t heads, std::int64_t channels) {
    const auto s = static_cast<double>(tokens);
    layer made{.name = numbered(prefix, i)};
    add_norm(made, policy, s, channels, 2);
    add_attention(made, policy, {channels, heads, channels / heads, heads, tokens, tokens});
    add_norm(made, policy, s, channels, 2);
    add_mlp(made, policy, s, channels, 4 * channels, activation::gelu, true);
    made.output = policy.bytes.activation * s * static_cast<double>(channels);
    return made;
}

}  // namespace detail

/// Makes a GPT-2 of these layers: embedding, the blocks, head (final norm, logits, loss). It has l(12h² + 13h) + (V +
/// P)h + 2h parameters, and Vh more if the head is untied. Throws `chimera_error` if the sizes do not fit together.
[[nodiscard]] constexpr model gpt2(const gpt2_sizes& sizes = {}) {
    const std::int64_t tokens = sizes.tokens == 0 ? sizes.context : sizes.tokens;
    detail::check_language(sizes.layers, sizes.heads, sizes.channels, sizes.vocabulary, sizes.context, tokens);
    detail::check_heads(sizes.heads, sizes.channels);
    const auto s = static_cast<double>(tokens);
    model made{"gpt2", {}, tokens, sizes.how.bytes};
    made.sizes = {decoder_kind::gpt2, sizes.channels, std::int64_t{4} * sizes.channels,
                  sizes.vocabulary,   sizes.context,  sizes.tied};
    made.layers.push_back(detail::embedding(sizes.how, s, sizes.channels, sizes.vocabulary + sizes.context));
    for (int i = 0; i < sizes.layers; ++i)
        made.layers.push_back(detail::block("block.", i, sizes.how, tokens, sizes.heads, sizes.channels));
    layer head{.name = "head", .kind = layer_kind::head};
    detail::add_norm(head, sizes.how, s, sizes.channels, 2);
    detail::add_logits(head, sizes.how, s, sizes.channels, sizes.vocabulary);
    detail::share_table(head, sizes.channels, sizes.vocabulary, sizes.tied);
    made.layers.push_back(head);
    return made;
}

/// The GPT-2 of 124 million parameters.
inline constexpr gpt2_sizes gpt2_124m{};
/// The GPT-2 of 355 million parameters.
inline constexpr gpt2_sizes gpt2_355m{.layers = 24, .heads = 16, .channels = 1024};
/// The GPT-2 of 774 million parameters.
inline constexpr gpt2_sizes gpt2_774m{.layers = 36, .heads = 20, .channels = 1280};
/// The GPT-2 of 1,558 million parameters.
inline constexpr gpt2_sizes gpt2_1558m{.layers = 48, .heads = 25, .channels = 1600};
/// The GPT-3 of 175 billion parameters.
inline constexpr gpt2_sizes gpt3_175b{.layers = 96, .heads = 96, .channels = 12288, .context = 2048};

/// The 64 layers of the Chimera paper (Li and Hoefler, SC'21, table 4), 32 bits, 632 tokens; heads of 64 channels as
/// GPT-2 has.
inline constexpr gpt2_sizes gpt2_64{
    .layers = 64, .heads = 20, .channels = 1280, .tied = false, .tokens = 632, .how = {.bytes = single_precision}};

}  // namespace chimera
