// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/device.hpp>
#include <executor/device/device_memory.hpp>
#include <executor/device/pieces.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace chimera::executor {

/// The oracle: every operation as the plain loop over its definition. Slow, obvious, independent of the other devices.
template <std::floating_point Real = double>
class reference_device : public host_side {
public:
    using real = Real;
    using wide = Real;
    using memory = host_memory;
    using prepared_linear = linear_shape;
    using prepared_attention = attention_shape;

    memory allocate(std::size_t bytes) { return memory(bytes); }
    prepared_linear prepare(linear_shape s, linear_role = linear_role::any) { return s; }
    prepared_attention prepare(attention_shape s) { return s; }

    void fill(real* y, real value, std::size_t n) { std::fill_n(y, n, value); }
    void copy(real* y, const real* x, std::size_t n) { std::copy_n(x, n, y); }
    void add(real* y, const real* x, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
    }
    void scale(real* y, real factor, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) y[i] *= factor;
    }
    void mean_of(const wide* x, std::size_t n, double* y) {
        *y = 0;
        for (std::size_t i = 0; i < n; ++i) *y += static_cast<double>(x[i]);
        *y /= static_cast<double>(n);
    }
    void sum_of_squares(const wide* x, std::size_t n, double* y) {
        *y = 0;
        for (std::size_t i = 0; i < n; ++i) *y += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }

    void embedding_forward(const embedding_shape& s, const std::int32_t* tokens, const real* table,
                           const real* positions, real* y) {
        for (int i = 0; i < s.rows(); ++i)
            for (int c = 0; c < s.channels; ++c)
                y[at(i, c, s.channels)] =
                    table[at(tokens[i], c, s.channels)] + positions[at(i % s.tokens, c, s.channels)];
    }

    void embedding_backward(const embedding_shape& s, const std::int32_t* tokens, const real* dy, real* d_table,
                            real* d_positions, bool add) {
        if (!add) {
            std::fill_n(d_table, at(s.vocabulary, 0, s.channels), real(0));
            std::fill_n(d_positions, at(s.tokens, 0, s.channels), real(0));
        }
        for (int i = 0; i < s.rows(); ++i)
            for (int c = 0; c < s.channels; ++c) {
                d_table[at(tokens[i], c, s.channels)] += dy[at(i, c, s.channels)];
                d_positions[at(i % s.tokens, c, s.channels)] += dy[at(i, c, s.channels)];
            }
    }

    void linear_forward(const prepared_linear& s, const real* x, const real* w, const real* bias, const real* residual,
                        real* y) {
        for (int i = 0; i < s.rows; ++i)
            for (int o = 0; o < s.outputs; ++o) {
                real sum = bias ? bias[o] : real(0);
                for (int k = 0; k < s.inputs; ++k) sum += x[at(i, k, s.inputs)] * w[weight(s, k, o)];
                y[at(i, o, s.outputs)] = sum + (residual ? residual[at(i, o, s.outputs)] : real(0));
            }
    }

    void linear_gelu_forward(const prepared_linear& s, const real* x, const real* w, const real* bias, real* before,
                             real* y) {
        linear_forward(s, x, w, bias, nullptr, y);
        for (std::size_t i = 0; i < at(s.rows, 0, s.outputs); ++i) {
            if (before) before[i] = y[i];
            y[i] = y[i] / 2 * (1 + std::tanh(gelu_inner(y[i])));
        }
    }

    void linear_backward_input(const prepared_linear& s, const real* dy, const real* w, real* dx) {
        for (int i = 0; i < s.rows; ++i)
            for (int k = 0; k < s.inputs; ++k) {
                real sum = 0;
                for (int o = 0; o < s.outputs; ++o) sum += dy[at(i, o, s.outputs)] * w[weight(s, k, o)];
                dx[at(i, k, s.inputs)] = sum;
            }
    }

    void linear_gelu_backward_input(const prepared_linear& s, const real* dy, const real* w, const real* before,
                                    real* dx, real* room, real* sums = nullptr, bool add = false) {
        linear_backward_input(s, dy, w, room);
        gelu_backward(before, room, dx, at(s.rows, 0, s.inputs));
        if (sums) column_sums({s.rows, s.inputs}, dx, sums, add);
    }
    bool sums_with_gelu(const prepared_linear&) const { return false; }

    void linear_backward_weight(const prepared_linear& s, const real* dy, const real* x, real* dw, real* db, bool add) {
        for (int o = 0; o < s.outputs; ++o) {
            for (int k = 0; k < s.inputs; ++k) {
                real sum = add ? dw[weight(s, k, o)] : real(0);
                for (int i = 0; i < s.rows; ++i) sum += x[at(i, k, s.inputs)] * dy[at(i, o, s.outputs)];
                dw[weight(s, k, o)] = sum;
            }
        }
        if (db) column_sums({s.rows, s.outputs}, dy, db, add);
    }

    void column_sums(const row_shape& s, const real* dy, real* sums, bool add) {
        for (int c = 0; c < s.columns; ++c) {
            real sum = add ? sums[c] : real(0);
            for (int i = 0; i < s.rows; ++i) sum += dy[at(i, c, s.columns)];
            sums[c] = sum;
        }
    }

    void gelu_backward(const real* x, const real* dy, real* dx, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            const real t = std::tanh(gelu_inner(x[i]));
            const real slope = gelu_factor * (1 + 3 * gelu_cubic * x[i] * x[i]);
            dx[i] = dy[i] * ((1 + t) / 2 + x[i] / 2 * (1 - t * t) * slope);
        }
    }

    void norm_forward(const row_shape& s, const real* x, const real* scale, const real* shift, real* y, real* mean,
                      real* inverse) {
        for (int i = 0; i < s.rows; ++i) {
            const real* row = x + at(i, 0, s.columns);
            real sum = 0, squares = 0;
            for (int c = 0; c < s.columns; ++c) sum += row[c];
            mean[i] = sum / real(s.columns);
            for (int c = 0; c < s.columns; ++c) squares += (row[c] - mean[i]) * (row[c] - mean[i]);
            inverse[i] = 1 / std::sqrt(squares / real(s.columns) + real(norm_epsilon));
            for (int c = 0; c < s.columns; ++c)
                y[at(i, c, s.columns)] = (row[c] - mean[i]) * inverse[i] * scale[c] + shift[c];
        }
    }

    void norm_backward_input(const row_shape& s, const real* dy, const real* x, const real* scale, const real* mean,
                             const real* inverse, const real* residual, real* dx) {
        for (int i = 0; i < s.rows; ++i) {
            real sum = 0, product = 0;
            const auto normal = [&](int c) { return (x[at(i, c, s.columns)] - mean[i]) * inverse[i]; };
            const auto slope = [&](int c) { return dy[at(i, c, s.columns)] * scale[c]; };
            for (int c = 0; c < s.columns; ++c) sum += slope(c), product += slope(c) * normal(c);
            sum /= real(s.columns), product /= real(s.columns);
            for (int c = 0; c < s.columns; ++c)
                dx[at(i, c, s.columns)] = inverse[i] * (slope(c) - sum - normal(c) * product) +
                                          (residual ? residual[at(i, c, s.columns)] : real(0));
        }
    }

    void norm_backward_parameters(const row_shape& s, const real* dy, const real* x, const real* mean,
                                  const real* inverse, real* d_scale, real* d_shift, bool add) {
        for (int c = 0; c < s.columns; ++c) {
            real scale = add ? d_scale[c] : real(0), shift = add ? d_shift[c] : real(0);
            for (int i = 0; i < s.rows; ++i) {
                scale += dy[at(i, c, s.columns)] * (x[at(i, c, s.columns)] - mean[i]) * inverse[i];
                shift += dy[at(i, c, s.columns)];
            }
            d_scale[c] = scale, d_shift[c] = shift;
        }
    }

    void norm_backward(const row_shape& s, const real* dy, const real* x, const real* scale, const real* mean,
                       const real* inverse, const real* residual, real* dx, const norm_gradients<real>& to) {
        norm_backward_in_pieces(*this, s, dy, x, scale, mean, inverse, residual, dx, to);
    }

    void attention_forward(const prepared_attention& s, const real* qkv, real* y, real* log_sum) {
        for_each_row(s, [&](int row, int first, int head, std::size_t index) {
            std::vector<real> p = scores(s, qkv, row, first, head);
            const real largest = *std::max_element(p.begin(), p.end());
            real sum = 0;
            for (const real v : p) sum += std::exp(v - largest);
            log_sum[index] = largest + std::log(sum);
            for (int d = 0; d < s.head_size(); ++d) {
                real total = 0;
                for (std::size_t j = 0; j < p.size(); ++j)
                    total += std::exp(p[j] - log_sum[index]) * qkv[part(s, 2, first + int(j), head, d)];
                y[at(row, head * s.head_size() + d, s.channels)] = total;
            }
        });
    }

    void attention_backward(const prepared_attention& s, const real* qkv, const real*, const real* dy,
                            const real* log_sum, real* d_qkv) {
        std::vector<real> result(at(s.rows(), 0, 3 * s.channels), real(0));
        const real factor = 1 / std::sqrt(real(s.head_size()));
        for_each_row(s, [&](int row, int first, int head, std::size_t index) {
            std::vector<real> p = scores(s, qkv, row, first, head), dp(p.size(), real(0));
            const auto gradient = [&](int d) { return dy[at(row, head * s.head_size() + d, s.channels)]; };
            real mean = 0;
            for (std::size_t j = 0; j < p.size(); ++j) {
                p[j] = std::exp(p[j] - log_sum[index]);
                for (int d = 0; d < s.head_size(); ++d) dp[j] += gradient(d) * qkv[part(s, 2, first + int(j), head, d)];
                mean += p[j] * dp[j];
            }
            for (std::size_t j = 0; j < p.size(); ++j)
                for (int d = 0; d < s.head_size(); ++d) {
                    const real ds = p[j] * (dp[j] - mean) * factor;
                    result[part(s, 0, row, head, d)] += ds * qkv[part(s, 1, first + int(j), head, d)];
                    result[part(s, 1, first + int(j), head, d)] += ds * qkv[part(s, 0, row, head, d)];
                    result[part(s, 2, first + int(j), head, d)] += p[j] * gradient(d);
                }
        });
        std::copy(result.begin(), result.end(), d_qkv);
    }

    void cross_entropy(const row_shape& s, const real* logits, const std::int32_t* targets, real* losses) {
        for (int i = 0; i < s.rows; ++i) {
            const real* const row = logits + at(i, 0, s.columns);
            losses[i] = log_sum_of(row, s.columns) - row[targets[i]];
        }
    }

    void cross_entropy_and_gradient(const row_shape& s, real* logits, const std::int32_t* targets, real* losses,
                                    real factor) {
        cross_entropy(s, logits, targets, losses);
        for (int i = 0; i < s.rows; ++i) {
            real* const row = logits + at(i, 0, s.columns);
            const real log_sum = log_sum_of(row, s.columns);
            for (int c = 0; c < s.columns; ++c) row[c] = factor * (std::exp(row[c] - log_sum) - real(c == targets[i]));
        }
    }

    void adamw(real* values, wide*, const wide* gradients, wide* m, wide* v, std::size_t n, const adamw_step& s) {
        const real b1 = real(s.beta_1), b2 = real(s.beta_2), rate = real(s.learning_rate);
        for (std::size_t i = 0; i < n; ++i) {
            const real g = gradients[i] * real(s.gradient_scale);
            m[i] = b1 * m[i] + (1 - b1) * g;
            v[i] = b2 * v[i] + (1 - b2) * g * g;
            const real mean = m[i] / (1 - std::pow(b1, real(s.step))), square = v[i] / (1 - std::pow(b2, real(s.step)));
            values[i] -= rate * (mean / (std::sqrt(square) + real(s.epsilon)) + real(s.weight_decay) * values[i]);
        }
    }

private:
    static constexpr real gelu_factor = std::numbers::sqrt2_v<real> * std::numbers::inv_sqrtpi_v<real>;
    static constexpr real gelu_cubic = real(0.044715);

    static real log_sum_of(const real* row, int columns) {
        const real largest = *std::max_element(row, row + columns);
        real sum = 0;
        for (int c = 0; c < columns; ++c) sum += std::exp(row[c] - largest);
        return largest + std::log(sum);
    }
    static real gelu_inner(real x) { return gelu_factor * (x + gelu_cubic * x * x * x); }
    static std::size_t at(int row, int column, int columns) {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
    }
    static std::size_t weight(const linear_shape& s, int input, int output) {
        return s.transposed ? at(output, input, s.inputs) : at(input, output, s.outputs);
    }
    /// Returns the index in qkv of element d of a row's query (0), key (1) or value (2).
    static std::size_t part(const attention_shape& s, int which, int row, int head, int d) {
        return at(row, which * s.channels + head * s.head_size() + d, 3 * s.channels);
    }
    /// The scaled products of a row's query with the keys of its sequence up to itself.
    static std::vector<real> scores(const attention_shape& s, const real* qkv, int row, int first, int head) {
        std::vector<real> p(static_cast<std::size_t>(row - first + 1), real(0));
        for (std::size_t j = 0; j < p.size(); ++j) {
            for (int d = 0; d < s.head_size(); ++d)
                p[j] += qkv[part(s, 0, row, head, d)] * qkv[part(s, 1, first + int(j), head, d)];
            p[j] /= std::sqrt(real(s.head_size()));
        }
        return p;
    }
    /// Calls f(row, first row of its sequence, head, index into log_sum).
    template <class F>
    static void for_each_row(const attention_shape& s, F f) {
        for (int b = 0; b < s.sequences; ++b)
            for (int h = 0; h < s.heads; ++h)
                for (int t = 0; t < s.tokens; ++t)
                    f(b * s.tokens + t, b * s.tokens, h, at(b * s.heads + h, t, s.tokens));
    }
};

static_assert(Device<reference_device<double>>);

}  // namespace chimera::executor
