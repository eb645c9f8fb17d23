// SPDX-License-Identifier: Apache-2.0

namespace chimera::executor::detail {
namespace {

template <class Real>
void add(Real* y, const Real* x, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) put(y[i], widen(y[i]) + widen(x[i]));
}

template <class Real>
void scale(Real* y, float factor, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) put(y[i], widen(y[i]) * factor);
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

template <class Real>
void gelu_forward(const Real* x, Real* y, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) put(y[i], widen(x[i]) * gelu_gate(widen(x[i])));
}

template <class Real>
void gelu_backward(const Real* x, const Real* dy, Real* dx, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const float at = widen(x[i]), gate = gelu_gate(at);
        const float slope = 1.595769122f + 0.2140644488f * at * at;
        put(dx[i], widen(dy[i]) * (gate + at * gate * (1.f - gate) * slope));
    }
}

template <class Real>
void embedding_forward(const embedding_shape& s, const std::int32_t* tokens, const Real* table, const Real* positions,
                       Real* y) {
    for (index i = 0; i < s.rows(); ++i) {
        const Real* token = table + static_cast<index>(tokens[i]) * s.channels;
        const Real* position = positions + i % s.tokens * s.channels;
#pragma omp simd
        for (index c = 0; c < s.channels; ++c) put(y[i * s.channels + c], widen(token[c]) + widen(position[c]));
    }
}

template <class Real>
void embedding_backward(const embedding_shape& s, const std::int32_t* tokens, const Real* dy, float* d_table,
                        float* d_positions) {
    for (index i = 0; i < s.rows(); ++i) {
        float* token = d_table + static_cast<index>(tokens[i]) * s.channels;
        float* position = d_positions + i % s.tokens * s.channels;
        const Real* row = dy + i * s.channels;
#pragma omp simd
        for (index c = 0; c < s.channels; ++c) {
            token[c] += widen(row[c]);
            position[c] += widen(row[c]);
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

template <class Real>
void adamw(Real* values, float* master, const float* gradients, float* m, float* v, std::size_t n,
           const adamw_step& s) {
    const double square_correction = bias_correction(s.beta_2, s.step);
    const float b1 = static_cast<float>(s.beta_1), b2 = static_cast<float>(s.beta_2);
    const float c1 = static_cast<float>(1 - s.beta_1), c2 = static_cast<float>(1 - s.beta_2);
    const float rate = static_cast<float>(s.learning_rate / bias_correction(s.beta_1, s.step));
    const float keep = static_cast<float>(1 - s.learning_rate * s.weight_decay);
    const float root = static_cast<float>(1 / __builtin_sqrt(square_correction));
    const float epsilon = static_cast<float>(s.epsilon), factor = static_cast<float>(s.gradient_scale);
    float* w = master;
    if constexpr (std::is_same_v<Real, float>) w = values;
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const float g = gradients[i] * factor;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        w[i] = keep * w[i] - rate * m[i] / (__builtin_sqrtf(v[i]) * root + epsilon);
        if constexpr (!std::is_same_v<Real, float>) put(values[i], w[i]);
    }
}

}  // namespace
}  // namespace chimera::executor::detail
