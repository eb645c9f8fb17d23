// SPDX-License-Identifier: Apache-2.0

namespace chimera::executor::detail {
namespace {

template <class Real>
void add_columns(const row_shape& s, index stride, const Real* x, float* sums) {
    const index n = s.columns;
    index i = 0;
    for (; i + 4 <= s.rows; i += 4) {
        const Real *a = x + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
#pragma omp simd
        for (index j = 0; j < n; ++j) sums[j] += (widen(a[j]) + widen(b[j])) + (widen(c[j]) + widen(d[j]));
    }
    for (; i < s.rows; ++i) {
#pragma omp simd
        for (index j = 0; j < n; ++j) sums[j] += widen(x[i * stride + j]);
    }
}

template <class Real>
void norm_forward(const row_shape& s, const Real* x, const Real* scale, const Real* shift, Real* y, float* mean,
                  float* inverse) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += n, y += n) {
        const float middle = sum_over(n, [&](index c, index count) CHIMERA_LAMBDA { return load(x + c, count); }) /
                             static_cast<float>(n);
        const float squares = sum_over(n, [&](index c, index count) CHIMERA_LAMBDA {
            const vector away = load(x + c, count) - middle;
            return away * away;
        });
        const float factor = 1.f / __builtin_sqrtf(squares / static_cast<float>(n) + static_cast<float>(norm_epsilon));
#pragma omp simd
        for (index c = 0; c < n; ++c) put(y[c], (widen(x[c]) - middle) * factor * widen(scale[c]) + widen(shift[c]));
        mean[i] = middle;
        inverse[i] = factor;
    }
}

template <class Real>
void norm_backward_input(const row_shape& s, const Real* dy, const Real* x, const Real* scale, const float* mean,
                         const float* inverse, const Real* residual, Real* dx) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += n, dy += n, dx += n) {
        const float middle = mean[i], factor = inverse[i];
        const auto slope = [&](index c, index count)
                               CHIMERA_LAMBDA { return load(dy + c, count) * load(scale + c, count); };
        const float mean_slope = sum_over(n, slope) / static_cast<float>(n);
        const float product =
            sum_over(n, [&](index c, index count)
                            CHIMERA_LAMBDA { return slope(c, count) * ((load(x + c, count) - middle) * factor); }) /
            static_cast<float>(n);
        if (residual) {
#pragma omp simd
            for (index c = 0; c < n; ++c)
                put(dx[c], widen(residual[i * n + c]) + factor * (widen(dy[c]) * widen(scale[c]) - mean_slope -
                                                                  (widen(x[c]) - middle) * factor * product));
        } else {
#pragma omp simd
            for (index c = 0; c < n; ++c)
                put(dx[c],
                    factor * (widen(dy[c]) * widen(scale[c]) - mean_slope - (widen(x[c]) - middle) * factor * product));
        }
    }
}

template <class Real>
void norm_backward_parameters(const row_shape& s, index stride, const Real* dy, const Real* x, const float* mean,
                              const float* inverse, float* d_scale, float* d_shift) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += stride, dy += stride) {
        const float middle = mean[i], factor = inverse[i];
#pragma omp simd
        for (index c = 0; c < n; ++c) {
            d_scale[c] += widen(dy[c]) * ((widen(x[c]) - middle) * factor);
            d_shift[c] += widen(dy[c]);
        }
    }
}

/// Logarithm of the denominator of a row's softmax.
template <class Real>
CHIMERA_INLINE float log_sum_of(const Real* logits, index n) {
    const float largest = largest_of(logits, n);
    const float total = sum_over(
        n, [&](index c, index count) CHIMERA_LAMBDA { return exponential(load(logits + c, count) - largest); });
    return largest + __builtin_logf(total);
}

template <class Real>
void cross_entropy(const row_shape& s, const Real* logits, const std::int32_t* targets, float* losses) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, logits += n) losses[i] = log_sum_of(logits, n) - widen(logits[targets[i]]);
}

template <class Real>
void cross_entropy_and_gradient(const row_shape& s, Real* logits, const std::int32_t* targets, float* losses,
                                float factor) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, logits += n) {
        const float total = log_sum_of(logits, n);
        Real& target = logits[targets[i]];
        losses[i] = total - widen(target);
        const float of_target = factor * exponential(widen(target) - total) - factor;
#pragma omp simd
        for (index c = 0; c < n; ++c) put(logits[c], factor * exponential(widen(logits[c]) - total));
        put(target, of_target);  // rounded once
    }
}

}  // namespace
}  // namespace chimera::executor::detail
