// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/model/layer_chain.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace chimera {

/// The choices that decide how many bytes a transformer's forward keeps.
struct keeping {
    precision bytes{};             ///< bytes of an element
    bool dropout = true;           ///< its masks are kept, a byte each
    bool fused_attention = false;  ///< no matrix of tokens × tokens is kept: of the core, a row's log-sum in 32 bits
    bool fp8 = false;              ///< linear products of blocks have operands of 8 bits (recipes of Transformer Engine
                                   ///< and torchao); attention's core, embeddings and the head have not

    friend constexpr bool operator==(const keeping&, const keeping&) = default;
};

namespace detail {

/// "block." and 12: "block.12".
constexpr label numbered(const char* prefix, std::int64_t i) {
    label made(prefix);
    std::size_t end = made.view().size();
    for (std::int64_t rest = i; rest > 9; rest /= 10) ++end;
    for (; i > 9; i /= 10) made.text[end--] = static_cast<char>('0' + i % 10);
    made.text[end] = static_cast<char>('0' + i);
    return made;
}

constexpr void check_size(const char* what, std::int64_t value, std::int64_t most) {
    if (value < 1 || value > most)
        refuse(std::string(what) + " is " + (value < 1 ? "below 1" : "too large") +
               " (it counts what the model has) give 1 to " + std::to_string(most));
}

constexpr void check_heads(std::int64_t heads, std::int64_t channels) {
    if (channels % heads != 0)
        refuse(std::to_string(heads) + " heads do not divide " + std::to_string(channels) +
               " channels (each head takes an equal part) choose a multiple");
}

/// A product y = x w over `rows` rows of a sample: forward and both halves of the backward take as many FLOPs.
constexpr void add_product(layer& to, double rows, double inputs, double outputs, bool first = false,
                           product_slice slice = product_slice::none, bool fp8 = false) {
    const double each = 2 * rows * inputs * outputs;
    to.forward += each;
    to.weight_gradient += each;
    if (!first) to.input_gradient += each;  // no layer waits for the gradient of the data
    const auto size = [](double x) { return static_cast<std::int32_t>((std::min)(x, 2e9)); };
    to.products.add({size(rows), size(inputs), size(outputs), 0, slice, first, fp8});
}

/// The products of attention's core: queries · keys and softmax · values, one of each a head.
constexpr void add_core(layer& to, std::int64_t tokens, std::int64_t keys, std::int64_t heads, std::int64_t head_size) {
    const auto s = static_cast<std::int32_t>(tokens), k = static_cast<std::int32_t>(keys);
    const auto a = static_cast<std::int32_t>(heads), d = static_cast<std::int32_t>(head_size);
    to.products.add({s, d, k, a, product_slice::copies});
    to.products.add({s, k, d, a, product_slice::copies});
}

/// Bytes that the backward reads: those that tensor parallelism divides, and those that it does not.
constexpr void keep(layer& to, double divided, double replicated) {
    to.activations += divided + replicated;
    to.selective += divided + replicated;
    to.replicated += replicated;
}

/// Returns the bytes of a number that a linear product keeps of its input, for the weight's gradient.
constexpr double kept_input(const keeping& policy) { return policy.fp8 ? 1 : policy.bytes.activation; }

/// A norm keeps its input; `per_channel` parameters: 2 (scale and shift), 1 for the norm by root mean square.
constexpr void add_norm(layer& to, const keeping& policy, double rows, std::int64_t channels, int per_channel) {
    to.parameters += per_channel * channels;
    keep(to, 0, policy.bytes.activation * rows * static_cast<double>(channels));
}

struct attention_sizes {
    std::int64_t channels = 0, heads = 0, head_size = 0;
    std::int64_t shared_heads = 0;  ///< heads of keys and values
    std::int64_t tokens = 0, keys = 0;
    bool biases = true;
};

/// Attention with its four products. Korthikanti et al. (arXiv 2205.05198, section 4.1): beside its input it keeps
/// queries, keys, values, the output's input, a mask of dropout, and of the core the softmax, its mask and the
/// dropped-out softmax. Causal attention counts in full: half of its products are thrown away, not spared.
/// With 8 bits, the inputs of linear products are kept as their casts, a byte each. The input of the last one is kept
/// in 16 bits as well where attention is fused: the core's own backward reads it. Keys and values of other rows than
/// the queries' (an encoder's) keep a cast of those rows.
constexpr void add_attention(layer& to, const keeping& policy, const attention_sizes& a) {
    const std::int64_t wide = a.heads * a.head_size, shared = a.shared_heads * a.head_size;
    const auto h = static_cast<double>(a.channels), q = static_cast<double>(wide), kv = static_cast<double>(shared);
    const auto s = static_cast<double>(a.tokens), k = static_cast<double>(a.keys);
    const double size = policy.bytes.activation, mask = policy.dropout ? 1 : 0;
    to.parameters += 2 * a.channels * (wide + shared);
    if (a.biases) to.parameters += wide + 2 * shared + a.channels;
    if (a.tokens == a.keys) {  // one product of all three
        add_product(to, s, h, q + 2 * kv, false, product_slice::outputs, policy.fp8);
    } else {
        add_product(to, s, h, q, false, product_slice::outputs, policy.fp8);
        add_product(to, k, h, 2 * kv, false, product_slice::outputs, policy.fp8);
        if (policy.fp8) keep(to, 0, k * h);
    }
    add_product(to, s, q, h, false, product_slice::inputs, policy.fp8);
    to.products.bytes = static_cast<std::int32_t>(policy.bytes.activation);
    const double core = 4 * s * k * q;  // queries · keys, softmax · values
    to.forward += core;
    to.input_gradient += 2 * core;
    const double last = kept_input(policy) + (policy.fp8 && policy.fused_attention ? size : 0);
    keep(to, size * (s * q + 2 * k * kv) + last * s * q, s * h * (kept_input(policy) + mask));
    to.exchanged += size * s * h;
    to.heads = a.heads;
    to.shared_heads = a.shared_heads;
    if (policy.fused_attention) return keep(to, 4 * static_cast<double>(a.heads) * s, 0);
    add_core(to, a.tokens, a.keys, a.heads, a.head_size);
    to.selective_forward += core;
    to.activations += static_cast<double>(a.heads) * s * k * (size + mask * (1 + size));
}

enum class activation : std::uint8_t { relu, gelu, swiglu };

/// Two products around an activation: widen, act, narrow. What the activation keeps of the wide rows: its output
/// (relu), input and output (gelu), both factors and their product (swiglu, which has two widening products). With 8
/// bits the inputs of both products are kept as their casts, a byte each; relu's backward reads its own output in 16.
constexpr void add_mlp(layer& to, const keeping& policy, double rows, std::int64_t channels, std::int64_t inner,
                       activation act, bool biases) {
    const int ways = act == activation::swiglu ? 2 : 1;
    const double others = act == activation::relu && !policy.fp8 ? 0 : ways;  // of the wide rows, the last input aside
    const auto h = static_cast<double>(channels), f = static_cast<double>(inner);
    const double size = policy.bytes.activation;
    to.parameters += (ways + 1) * channels * inner + (biases ? ways * inner + channels : 0);
    add_product(to, rows, h, ways * f, false, product_slice::outputs, policy.fp8);
    add_product(to, rows, f, h, false, product_slice::inputs, policy.fp8);
    to.products.bytes = static_cast<std::int32_t>(size);
    const double input = kept_input(policy), mask = policy.dropout ? 1 : 0;
    keep(to, (size * others + input) * rows * f, rows * h * (input + mask));
    to.exchanged += size * rows * h;
}

/// The rows that a table of `entries` looks up: no product; keeps its mask of dropout.
constexpr layer embedding(const keeping& policy, double rows, std::int64_t channels, std::int64_t entries) {
    const double narrow = rows * static_cast<double>(channels);
    layer made{.name = "embedding", .kind = layer_kind::embedding, .parameters = entries * channels};
    keep(made, 0, policy.dropout ? narrow : 0);
    made.output = policy.bytes.activation * narrow;
    made.exchanged = made.output / 2;  // once, in the forward
    return made;
}

/// A product onto the vocabulary and the loss: keeps its input and the logits, these in 32 bits (Korthikanti et al.,
/// 4.3).
constexpr void add_logits(layer& to, const keeping& policy, double rows, std::int64_t channels,
                          std::int64_t vocabulary) {
    const auto h = static_cast<double>(channels), v = static_cast<double>(vocabulary);
    add_product(to, rows, h, v, false, product_slice::outputs);
    to.products.bytes = static_cast<std::int32_t>(policy.bytes.activation);
    keep(to, 4 * rows * v, policy.bytes.activation * rows * h);
    to.exchanged += policy.bytes.activation * rows * h / 2;  // once, in the backward
}

/// The table of the embedding at layer 0 serves the head `to` as well, or the head has its own.
constexpr void share_table(layer& to, std::int64_t channels, std::int64_t vocabulary, bool tied) {
    if (!tied) {
        to.parameters += channels * vocabulary;
        return;
    }
    to.tied_to = 0;
    to.tied_parameters = channels * vocabulary;
}

}  // namespace detail
}  // namespace chimera
