// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/device/shapes.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace chimera::executor {

/// What the layers compute with: memory, plans, and fused operations, each with its backward.
///
/// One object belongs to one worker thread and runs its operations in order. All pointers are to the device's own memory,
/// on 64-byte boundaries; matrices are row-major and dense. An operation's result depends on its arguments and nothing else,
/// bit for bit. Outputs are overwritten, unless `add` is true: then gradients are added to what is there.
///
///     memory         m = allocate(bytes)                                         zeroed; m.data()
///     linear_plan    p = plan(linear_shape)           attention_plan a = plan(attention_shape)
///     fill(y, value, n)   copy(y, x, n)   add(y, x, n): y += x   scale(y, factor, n): y *= factor
///     sum_of_squares(x, n) -> double, summed in double
///     embedding_forward(shape, tokens, token_table, position_table, y)
///     embedding_backward(shape, tokens, dy, d_token_table, d_position_table, add)
///     linear_forward(p, x, w, bias, residual, y)      y = x w + bias + residual; either may be null
///     linear_gelu_forward(p, x, w, bias, before, y)   before = x w + bias, y = gelu(before); before may be null
///     linear_backward_input(p, dy, w, dx)             dx = dy wᵀ
///     linear_backward_weight(p, dy, x, dw, db, add)   dw (+)= xᵀ dy, db (+)= column sums of dy; db may be null
///     gelu_backward(x, dy, dx, n)                     tanh form; dx may be x or dy
///     norm_forward(shape, x, scale, shift, y, mean, inverse)      mean and 1/deviation, one of each a row
///     norm_backward_input(shape, dy, x, scale, mean, inverse, residual, dx)   dx = residual + …; residual may be null
///     norm_backward_parameters(shape, dy, x, mean, inverse, d_scale, d_shift, add)
///     attention_forward(a, qkv, y, log_sum)           log_sum [sequences, heads, tokens]: log of each softmax's denominator
///     attention_backward(a, qkv, y, dy, log_sum, d_qkv)           d_qkv may be qkv
///     cross_entropy_forward(shape, logits, targets, losses, log_sum)   in nats, one of each a row
///     cross_entropy_backward(shape, logits, targets, log_sum, factor)  logits become their gradient, times factor
///     adamw(values, gradients, m, v, n, step)
template <class D>
concept Device = requires(D d, typename D::real* y, const typename D::real* x, const std::int32_t* tokens,
                          std::size_t n, typename D::real value, bool add, const typename D::linear_plan p,
                          const typename D::attention_plan a, const embedding_shape e, const row_shape r,
                          const adamw_step step) {
    requires std::floating_point<typename D::real>;
    { d.allocate(n) } -> std::same_as<typename D::memory>;
    { d.plan(linear_shape{}) } -> std::same_as<typename D::linear_plan>;
    { d.plan(attention_shape{}) } -> std::same_as<typename D::attention_plan>;
    d.fill(y, value, n);
    d.copy(y, x, n);
    d.add(y, x, n);
    d.scale(y, value, n);
    { d.sum_of_squares(x, n) } -> std::same_as<double>;
    d.embedding_forward(e, tokens, x, x, y);
    d.embedding_backward(e, tokens, x, y, y, add);
    d.linear_forward(p, x, x, x, x, y);
    d.linear_gelu_forward(p, x, x, x, y, y);
    d.linear_backward_input(p, x, x, y);
    d.linear_backward_weight(p, x, x, y, y, add);
    d.gelu_backward(x, x, y, n);
    d.norm_forward(r, x, x, x, y, y, y);
    d.norm_backward_input(r, x, x, x, x, x, x, y);
    d.norm_backward_parameters(r, x, x, x, x, y, y, add);
    d.attention_forward(a, x, y, y);
    d.attention_backward(a, x, x, x, x, y);
    d.cross_entropy_forward(r, x, tokens, y, y);
    d.cross_entropy_backward(r, y, tokens, x, value);
    d.adamw(y, x, y, y, n, step);
};

}  // namespace chimera::executor
