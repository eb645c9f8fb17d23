// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included from .cu files: plain data.

#include <compare>
#include <cstddef>

namespace chimera::executor {

/// y [rows, outputs] = x [rows, inputs] · w. The weight is [inputs, outputs], or [outputs, inputs] if `transposed`.
struct linear_shape {
    int rows = 0, inputs = 0, outputs = 0;
    bool transposed = false;
    friend auto operator<=>(const linear_shape&, const linear_shape&) = default;
};

/// The use of a linear layer, so that a device can prepare just that: with a bias; with a bias and a residual; the same
/// of what GELU has left, so that the backward goes through GELU; with a bias and GELU; with neither.
enum class linear_role { any, biased, residual, residual_after_gelu, gelu, bare };

/// Causal multi-head attention. qkv is [sequences · tokens, 3 · channels]: queries, keys, values, each heads × head
/// size.
struct attention_shape {
    int sequences = 0, tokens = 0, heads = 0, channels = 0;
    constexpr int head_size() const { return channels / heads; }
    constexpr int rows() const { return sequences * tokens; }
    friend auto operator<=>(const attention_shape&, const attention_shape&) = default;
};

/// Token table [vocabulary, channels] plus position table [≥ tokens, channels], over [sequences · tokens] token
/// numbers.
struct embedding_shape {
    int sequences = 0, tokens = 0, channels = 0, vocabulary = 0;
    constexpr int rows() const { return sequences * tokens; }
};

/// A matrix handled row by row: layer norm and cross-entropy.
struct row_shape {
    int rows = 0, columns = 0;
    constexpr std::size_t size() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
};

/// Destinations of the sums over rows that a norm's backward takes in passing, one number for each column.
template <class Wide>
struct norm_gradients {
    Wide *scale, *shift;
    Wide *residual = nullptr,
         *dx = nullptr;  ///< sums of residual (which is then given) and of dx: gradients of the biases beside
    bool add = false;    ///< to what is there
};

/// Added to the variance by layer norm, as in GPT-2.
inline constexpr double norm_epsilon = 1e-5;

/// One AdamW step (Loshchilov & Hutter 2019, algorithm 2, with bias correction), `step` counted from 1.
struct adamw_step {
    double learning_rate = 1e-3, beta_1 = 0.9, beta_2 = 0.95, epsilon = 1e-8, weight_decay = 0.1;
    double gradient_scale = 1.0;  ///< every gradient is multiplied by it first: averaging and clipping in one factor
    int step = 1;
};

/// The inputs of clipping, all in the device's memory: gradients are averaged over `units` units, and scaled down where
/// the norm of the average is above `limit`. The norm is the root of the sum of `squares` [rows, columns]: each
/// column's over its rows, in their order, then the columns', in theirs.
struct norm_limit {
    const double* squares = nullptr;
    int rows = 1, columns = 1;
    double limit = 0;  ///< 0: any norm is right
    double units = 1;
    double* norm = nullptr;  ///< where the norm of the average goes
};

}  // namespace chimera::executor
