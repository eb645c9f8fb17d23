// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/shapes.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace chimera::executor {

/// A device for the layers: memory, prepared products, and fused operations, each with its backward.
///
/// Weights and activations are `real`; gradients of parameters, moments, master weights and what is kept of a row
/// (mean, inverse, log_sum, losses) are `wide`, which is the same or longer. One object belongs to one worker thread
/// and runs its operations in order, perhaps after the call has returned. All pointers are to the device's own memory,
/// on 64-byte boundaries; matrices are row-major and dense. Pointers of `wide` may lie inside arrays of `real`. An
/// operation's result depends on its arguments and nothing else, bit for bit (a device may offer to give that up for
/// speed). Outputs are overwritten, unless `add` is true: then gradients are added to what is there.
///
///     on_host                                         whether the host may read and write the device's memory at any
///                                                     time
///     memory         m = allocate(bytes)                                         zeroed; m.data()
///     prepared_linear    p = prepare(linear_shape, role)
///     prepared_attention a = prepare(attention_shape)
///     upload(to, from_host, bytes)                    from_host may change once it has returned
///     download(to_host, from, bytes)                  after all operations before it; returns when the bytes are there
///     finish()                                        returns when all operations before it have ended
///     settle()                                        the same, and gives back scratch that is no longer used: for
///                                                     when no other thread's work can be waiting for this one's
///     fill(y, value, n)   copy(y, x, n)   add(y, x, n): y += x   scale(y, factor, n): y *= factor     real or wide
///     mean_of(x, n, y)    sum_of_squares(x, n, y)     one double, summed in double, into the device's memory
///     embedding_forward(shape, tokens, token_table, position_table, y)
///     embedding_backward(shape, tokens, dy, d_token_table, d_position_table, add)
///     linear_forward(p, x, w, bias, residual, y)      y = x w + bias + residual; either may be null
///     linear_gelu_forward(p, x, w, bias, before, y)   before = x w + bias, y = gelu(before); before may be null
///     linear_backward_input(p, dy, w, dx)             dx = dy wᵀ
///     linear_gelu_backward_input(p, dy, w, before, dx, room, sums, add)
///                                                     dx = gelu'(before) · (dy wᵀ), where x was gelu(before), and sums
///                                                     (+)= column_sums of dx; dx may be before; room, as large, may be
///                                                     dx, but not before; sums may be null
///     sums_with_gelu(p)                               whether those sums cost next to nothing there
///     linear_backward_weight(p, dy, x, dw, db, add)   dw (+)= xᵀ dy, db (+)= column sums of dy; db may be null
///     column_sums(shape, dy, sums, add)               sums (+)= sums of dy's columns: a bias's gradient
///     gelu_backward(x, dy, dx, n)                     tanh form; dx may be x or dy
///     norm_forward(shape, x, scale, shift, y, mean, inverse)      mean and 1/deviation, one of each a row
///     norm_backward_input(shape, dy, x, scale, mean, inverse, residual, dx)   dx = residual + …; residual may be null
///     norm_backward_parameters(shape, dy, x, mean, inverse, d_scale, d_shift, add)
///     norm_backward(shape, dy, x, scale, mean, inverse, residual, dx, to)
///                                                     both, and column_sums of residual and dx where `to` has places
///                                                     for them: the same bits as one by one
///     attention_forward(a, qkv, y, log_sum)           log_sum [sequences, heads, tokens]: log of each softmax's
///                                                     denominator
///     attention_backward(a, qkv, y, dy, log_sum, d_qkv)           d_qkv may be qkv
///     cross_entropy(shape, logits, targets, losses)   in nats, one a row
///     cross_entropy_and_gradient(shape, logits, targets, losses, factor)
///                                                     the same losses; logits become their gradient, times factor
///     adamw(values, master, gradients, m, v, n, step) values become master, rounded; null, where real is wide, and
///                                                     then values are stepped themselves
///
/// Off the host, adamw also takes a pointer to the step's numbers in the device's memory, so that a recorded operation
/// can be repeated with others: step_numbers s = numbers(step). And what clips gradients is computed there:
///
///     clip(by, numbers, count)                        the gradient_scale of so many step_numbers, and the norm
template <class D>
concept Device = requires(D d, typename D::real* y, const typename D::real* x, typename D::wide* b,
                          const typename D::wide* a, const std::int32_t* tokens, std::size_t n, typename D::wide value,
                          bool add, double* number, void* to, const void* from, const typename D::prepared_linear p,
                          const typename D::prepared_attention ap, const embedding_shape e, const row_shape r,
                          const adamw_step step) {
    requires std::floating_point<typename D::wide>;
    requires sizeof(typename D::wide) % sizeof(typename D::real) == 0;
    requires std::same_as<decltype(D::on_host), const bool>;
    { d.allocate(n) } -> std::same_as<typename D::memory>;
    { d.prepare(linear_shape{}, linear_role::any) } -> std::same_as<typename D::prepared_linear>;
    { d.prepare(attention_shape{}) } -> std::same_as<typename D::prepared_attention>;
    d.upload(to, from, n);
    d.download(to, from, n);
    d.finish();
    d.settle();
    d.fill(y, value, n);
    d.fill(b, value, n);
    d.copy(y, x, n);
    d.copy(b, a, n);
    d.add(y, x, n);
    d.add(b, a, n);
    d.scale(y, value, n);
    d.scale(b, value, n);
    d.mean_of(a, n, number);
    d.sum_of_squares(a, n, number);
    d.embedding_forward(e, tokens, x, x, y);
    d.embedding_backward(e, tokens, x, b, b, add);
    d.linear_forward(p, x, x, x, x, y);
    d.linear_gelu_forward(p, x, x, x, y, y);
    d.linear_backward_input(p, x, x, y);
    d.linear_gelu_backward_input(p, x, x, x, y, y, b, add);
    { d.sums_with_gelu(p) } -> std::same_as<bool>;
    d.linear_backward_weight(p, x, x, b, b, add);
    d.column_sums(r, x, b, add);
    d.gelu_backward(x, x, y, n);
    d.norm_forward(r, x, x, x, y, b, b);
    d.norm_backward_input(r, x, x, x, a, a, x, y);
    d.norm_backward_parameters(r, x, x, a, a, b, b, add);
    d.norm_backward(r, x, x, x, a, a, x, y, norm_gradients<typename D::wide>{b, b, b, b, add});
    d.attention_forward(ap, x, y, b);
    d.attention_backward(ap, x, x, x, a, y);
    d.cross_entropy(r, x, tokens, b);
    d.cross_entropy_and_gradient(r, y, tokens, b, value);
    d.adamw(y, b, a, b, b, n, step);
    requires D::on_host || requires(typename D::step_numbers * numbers, const norm_limit by) {
        { D::numbers(step) } -> std::same_as<typename D::step_numbers>;
        d.adamw(y, b, a, b, b, n, numbers);
        d.clip(by, numbers, 2);
    };
};

}  // namespace chimera::executor
