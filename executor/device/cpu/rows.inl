// SPDX-License-Identifier: Apache-2.0

namespace chimera::executor::detail {
namespace {

void add_columns(const row_shape& s, const float* x, float* sums) {
    const index n = s.columns;
    index i = 0;
    for (; i + 4 <= s.rows; i += 4) {
        const float *a = x + i * n, *b = a + n, *c = b + n, *d = c + n;
#pragma omp simd
        for (index j = 0; j < n; ++j) sums[j] += (a[j] + b[j]) + (c[j] + d[j]);
    }
    for (; i < s.rows; ++i) {
#pragma omp simd
        for (index j = 0; j < n; ++j) sums[j] += x[i * n + j];
    }
}

void norm_forward(const row_shape& s, const float* x, const float* scale, const float* shift, float* y, float* mean,
                  float* inverse) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += n, y += n) {
        float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
        for (index c = 0; c < n; ++c) sum += x[c];
        const float middle = sum / static_cast<float>(n);
#pragma omp simd reduction(+ : squares)
        for (index c = 0; c < n; ++c) squares += (x[c] - middle) * (x[c] - middle);
        const float factor = 1.f / __builtin_sqrtf(squares / static_cast<float>(n) + static_cast<float>(norm_epsilon));
#pragma omp simd
        for (index c = 0; c < n; ++c) y[c] = (x[c] - middle) * factor * scale[c] + shift[c];
        mean[i] = middle;
        inverse[i] = factor;
    }
}

void norm_backward_input(const row_shape& s, const float* dy, const float* x, const float* scale, const float* mean,
                         const float* inverse, const float* residual, float* dx) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += n, dy += n, dx += n) {
        const float middle = mean[i], factor = inverse[i];
        float sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
        for (index c = 0; c < n; ++c) {
            const float slope = dy[c] * scale[c];
            sum += slope;
            product += slope * ((x[c] - middle) * factor);
        }
        sum /= static_cast<float>(n);
        product /= static_cast<float>(n);
        if (residual) {
#pragma omp simd
            for (index c = 0; c < n; ++c)
                dx[c] = residual[i * n + c] + factor * (dy[c] * scale[c] - sum - (x[c] - middle) * factor * product);
        } else {
#pragma omp simd
            for (index c = 0; c < n; ++c) dx[c] = factor * (dy[c] * scale[c] - sum - (x[c] - middle) * factor * product);
        }
    }
}

void norm_backward_parameters(const row_shape& s, const float* dy, const float* x, const float* mean, const float* inverse,
                              float* d_scale, float* d_shift) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, x += n, dy += n) {
        const float middle = mean[i], factor = inverse[i];
#pragma omp simd
        for (index c = 0; c < n; ++c) {
            d_scale[c] += dy[c] * ((x[c] - middle) * factor);
            d_shift[c] += dy[c];
        }
    }
}

void cross_entropy_forward(const row_shape& s, const float* logits, const std::int32_t* targets, float* losses,
                           float* log_sum) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, logits += n) {
        const float largest = largest_of(logits, n);
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (index c = 0; c < n; ++c) sum += exponential(logits[c] - largest);
        log_sum[i] = largest + __builtin_logf(sum);
        losses[i] = log_sum[i] - logits[targets[i]];
    }
}

void cross_entropy_backward(const row_shape& s, float* logits, const std::int32_t* targets, const float* log_sum,
                            float factor) {
    const index n = s.columns;
    for (index i = 0; i < s.rows; ++i, logits += n) {
        const float total = log_sum[i];
#pragma omp simd
        for (index c = 0; c < n; ++c) logits[c] = factor * exponential(logits[c] - total);
        logits[targets[i]] -= factor;
    }
}

}  // namespace
}  // namespace chimera::executor::detail
