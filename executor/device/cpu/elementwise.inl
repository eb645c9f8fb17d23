// SPDX-License-Identifier: Apache-2.0

namespace chimera::executor::detail {
namespace {

void add(float* y, const float* x, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
}

void scale(float* y, float factor, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] *= factor;
}

double sum_of_squares(const float* x, std::size_t n) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
}

/// The logistic function of 2u in gelu(x) = x/2 · (1 + tanh u) = x / (1 + e^-2u), u = √(2/π) (x + 0.044715 x³).
CHIMERA_INLINE float gelu_gate(float x) {
    return 1.f / (1.f + exponential(x * (-1.595769122f - 0.0713548163f * x * x)));
}

void gelu_forward(const float* x, float* y, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * gelu_gate(x[i]);
}

void gelu_backward(const float* x, const float* dy, float* dx, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const float gate = gelu_gate(x[i]);
        const float slope = 1.595769122f + 0.2140644488f * x[i] * x[i];
        dx[i] = dy[i] * (gate + x[i] * gate * (1.f - gate) * slope);
    }
}

void embedding_forward(const embedding_shape& s, const std::int32_t* tokens, const float* table, const float* positions,
                       float* y) {
    for (index i = 0; i < s.rows(); ++i) {
        const float* token = table + static_cast<index>(tokens[i]) * s.channels;
        const float* position = positions + i % s.tokens * s.channels;
#pragma omp simd
        for (index c = 0; c < s.channels; ++c) y[i * s.channels + c] = token[c] + position[c];
    }
}

void embedding_backward(const embedding_shape& s, const std::int32_t* tokens, const float* dy, float* d_table,
                        float* d_positions) {
    for (index i = 0; i < s.rows(); ++i) {
        float* token = d_table + static_cast<index>(tokens[i]) * s.channels;
        float* position = d_positions + i % s.tokens * s.channels;
        const float* row = dy + i * s.channels;
#pragma omp simd
        for (index c = 0; c < s.channels; ++c) {
            token[c] += row[c];
            position[c] += row[c];
        }
    }
}

/// 1 - b^step, by repeated squaring: no library call, the same bits everywhere.
double bias_correction(double b, int step) {
    double power = 1;
    for (int n = step; n > 0; n /= 2, b *= b)
        if (n % 2) power *= b;
    return 1 - power;
}

void adamw(float* values, const float* gradients, float* m, float* v, std::size_t n, const adamw_step& s) {
    const double square_correction = bias_correction(s.beta_2, s.step);
    const float b1 = static_cast<float>(s.beta_1), b2 = static_cast<float>(s.beta_2);
    const float c1 = static_cast<float>(1 - s.beta_1), c2 = static_cast<float>(1 - s.beta_2);
    const float rate = static_cast<float>(s.learning_rate / bias_correction(s.beta_1, s.step));
    const float keep = static_cast<float>(1 - s.learning_rate * s.weight_decay);
    const float root = static_cast<float>(1 / __builtin_sqrt(square_correction));
    const float epsilon = static_cast<float>(s.epsilon), factor = static_cast<float>(s.gradient_scale);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const float g = gradients[i] * factor;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        values[i] = keep * values[i] - rate * m[i] / (__builtin_sqrtf(v[i]) * root + epsilon);
    }
}

}  // namespace
}  // namespace chimera::executor::detail
