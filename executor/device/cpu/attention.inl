// SPDX-License-Identifier: Apache-2.0

// Attention head by head, in blocks of query rows: scores of a block against the keys up to its end, softmax, products.
// The backward recomputes the probabilities from the softmax's saved denominator instead of keeping tokens² numbers
// (Dao et al. 2022, FlashAttention, algorithms 1 and 4).

namespace chimera::executor::detail {
namespace {

typedef float vector __attribute__((vector_size(lanes * sizeof(float)), aligned(lanes * sizeof(float)), may_alias));

constexpr index block_rows = 32;

/// A matrix read element by element: broadcast operand of a product.
struct scattered {
    const float* data;
    index row, column;  ///< strides
};

/// c[R, 16·V] (+)= a[R, k] · b[k, 16·V].
template <int R, int V>
CHIMERA_INLINE void tile(index k, scattered a, const float* b, index b_stride, float* c, index c_stride, bool accumulate) {
    vector sums[R][V];
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v)
            sums[r][v] = accumulate ? *reinterpret_cast<const vector*>(c + r * c_stride + v * lanes) : vector{};
    for (index i = 0; i < k; ++i) {
        const vector* row = reinterpret_cast<const vector*>(b + i * b_stride);
        for (int r = 0; r < R; ++r) {
            const float factor = a.data[r * a.row + i * a.column];
            for (int v = 0; v < V; ++v) sums[r][v] += factor * row[v];
        }
    }
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) *reinterpret_cast<vector*>(c + r * c_stride + v * lanes) = sums[r][v];
}

template <int V>
CHIMERA_INLINE void strip(index m, index k, scattered a, const float* b, index b_stride, float* c, index c_stride,
                          bool accumulate) {
    index i = 0;
    for (; i + 4 <= m; i += 4)
        tile<4, V>(k, {a.data + i * a.row, a.row, a.column}, b, b_stride, c + i * c_stride, c_stride, accumulate);
    for (; i < m; ++i)
        tile<1, V>(k, {a.data + i * a.row, a.row, a.column}, b, b_stride, c + i * c_stride, c_stride, accumulate);
}

/// c[m, n] (+)= a[m, k] · b[k, n]; n is a multiple of 16, b and c are aligned.
void product(index m, index n, index k, scattered a, const float* b, index b_stride, float* c, index c_stride,
             bool accumulate) {
#if defined(__AVX512F__)
    constexpr int wide = 4;
#else
    constexpr int wide = 1;
#endif
    index j = 0;
    for (; j + wide * lanes <= n; j += wide * lanes) strip<wide>(m, k, a, b + j, b_stride, c + j, c_stride, accumulate);
    for (; j + 2 * lanes <= n; j += 2 * lanes) strip<2>(m, k, a, b + j, b_stride, c + j, c_stride, accumulate);
    for (; j < n; j += lanes) strip<1>(m, k, a, b + j, b_stride, c + j, c_stride, accumulate);
}

/// One head's operands, copied to aligned rows padded with zeros, and room for the products.
struct head_scratch {
    index tokens, size, width, padded;     ///< width: head size rounded up; padded: tokens rounded up
    float *q, *k, *v, *dy, *dq, *dk, *dv;  ///< [tokens, width]
    float *k_across, *v_across;            ///< [size, padded]
    float *p, *dp;                         ///< [block_rows, padded]

    head_scratch(const attention_shape& s, float* data)
        : tokens(s.tokens), size(s.head_size()), width(rounded(size)), padded(rounded(tokens)) {
        const index rows = tokens * width, columns = size * padded;
        q = data, k = q + rows, v = k + rows, dy = v + rows, dq = dy + rows, dk = dq + rows, dv = dk + rows;
        k_across = dv + rows, v_across = k_across + columns, p = v_across + columns, dp = p + block_rows * padded;
    }
};

std::size_t attention_scratch(const attention_shape& s) {
    const index width = rounded(s.head_size()), padded = rounded(s.tokens);
    return static_cast<std::size_t>(7 * s.tokens * width + 2 * s.head_size() * padded + 2 * block_rows * padded);
}

/// y[tokens, width] = factor · x, whose rows lie `stride` apart, zeros to the right.
CHIMERA_INLINE void gather(const head_scratch& h, const float* x, index stride, float factor, float* y) {
    for (index t = 0; t < h.tokens; ++t) {
        float* row = y + t * h.width;
        for (index d = 0; d < h.size; ++d) row[d] = factor * x[t * stride + d];
        for (index d = h.size; d < h.width; ++d) row[d] = 0;
    }
}

CHIMERA_INLINE void scatter(const head_scratch& h, const float* x, float factor, float* y, index stride) {
    for (index t = 0; t < h.tokens; ++t)
        for (index d = 0; d < h.size; ++d) y[t * stride + d] = factor * x[t * h.width + d];
}

/// y[size, padded] = xᵀ, zeros to the right.
CHIMERA_INLINE void transpose(const head_scratch& h, const float* x, float* y) {
    for (index d = 0; d < h.size; ++d) {
        for (index t = 0; t < h.tokens; ++t) y[d * h.padded + t] = x[t * h.width + d];
        for (index t = h.tokens; t < h.padded; ++t) y[d * h.padded + t] = 0;
    }
}

CHIMERA_INLINE void clear(float* x, index n) {
    for (index i = 0; i < n; ++i) x[i] = 0;
}

/// Turns a row of scores into e^(score - largest), zeros after the first `seen`. `sum` becomes their sum. Returns the
/// logarithm of the softmax's denominator.
CHIMERA_INLINE float softmax_row(float* p, index seen, index n, float& sum) {
    const float largest = largest_of(p, seen);
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (index j = 0; j < n; ++j) {
        p[j] = j < seen ? exponential(p[j] - largest) : 0.f;
        total += p[j];
    }
    sum = total;
    return largest + __builtin_logf(total);
}

void head_forward(const head_scratch& h, float* y, index stride, float* log_sum) {
    for (index first = 0; first < h.tokens; first += block_rows) {
        const index end = first + block_rows < h.tokens ? first + block_rows : h.tokens, rows = end - first;
        const index n = rounded(end);
        float sums[block_rows];
        product(rows, n, h.size, {h.q + first * h.width, h.width, 1}, h.k_across, h.padded, h.p, h.padded, false);
        for (index r = 0; r < rows; ++r)
            log_sum[first + r] = softmax_row(h.p + r * h.padded, first + r + 1, n, sums[r]);
        product(rows, h.width, end, {h.p, h.padded, 1}, h.v, h.width, h.dq, h.width, false);
        for (index r = 0; r < rows; ++r)
            for (index d = 0; d < h.size; ++d) y[(first + r) * stride + d] = h.dq[r * h.width + d] / sums[r];
    }
}

void attention_forward(const attention_shape& s, const float* qkv, float* y, float* log_sum, float* scratch) {
    const head_scratch h(s, scratch);
    const float factor = 1.f / __builtin_sqrtf(static_cast<float>(h.size));
    const index channels = s.channels, stride = 3 * channels;
    for (index b = 0; b < s.sequences; ++b)
        for (index head = 0; head < s.heads; ++head) {
            const float* q = qkv + b * h.tokens * stride + head * h.size;
            gather(h, q, stride, factor, h.q);
            gather(h, q + channels, stride, 1.f, h.k);
            gather(h, q + 2 * channels, stride, 1.f, h.v);
            transpose(h, h.k, h.k_across);
            head_forward(h, y + b * h.tokens * channels + head * h.size, channels,
                         log_sum + (b * s.heads + head) * h.tokens);
        }
}

/// From scores (p) and products of the gradient with the values (dp): the probabilities, and the scores' gradient.
CHIMERA_INLINE void softmax_row_backward(float* p, float* dp, index seen, index n, float log_sum, float mean) {
#pragma omp simd
    for (index j = 0; j < n; ++j) {
        p[j] = j < seen ? exponential(p[j] - log_sum) : 0.f;
        dp[j] = p[j] * (dp[j] - mean);
    }
}

void head_backward(const head_scratch& h, const float* y, index stride, const float* log_sum) {
    clear(h.dk, h.tokens * h.width);
    clear(h.dv, h.tokens * h.width);
    for (index first = 0; first < h.tokens; first += block_rows) {
        const index end = first + block_rows < h.tokens ? first + block_rows : h.tokens, rows = end - first;
        const index n = rounded(end);
        const float *q = h.q + first * h.width, *dy = h.dy + first * h.width;
        product(rows, n, h.size, {q, h.width, 1}, h.k_across, h.padded, h.p, h.padded, false);
        product(rows, n, h.size, {dy, h.width, 1}, h.v_across, h.padded, h.dp, h.padded, false);
        for (index r = 0; r < rows; ++r) {
            float mean = 0;
#pragma omp simd reduction(+ : mean)
            for (index d = 0; d < h.size; ++d) mean += dy[r * h.width + d] * y[(first + r) * stride + d];
            softmax_row_backward(h.p + r * h.padded, h.dp + r * h.padded, first + r + 1, n, log_sum[first + r], mean);
        }
        product(rows, h.width, end, {h.dp, h.padded, 1}, h.k, h.width, h.dq + first * h.width, h.width, false);
        product(end, h.width, rows, {h.dp, 1, h.padded}, q, h.width, h.dk, h.width, true);
        product(end, h.width, rows, {h.p, 1, h.padded}, dy, h.width, h.dv, h.width, true);
    }
}

void attention_backward(const attention_shape& s, const float* qkv, const float* y, const float* dy, const float* log_sum,
                        float* d_qkv, float* scratch) {
    const head_scratch h(s, scratch);
    const float factor = 1.f / __builtin_sqrtf(static_cast<float>(h.size));
    const index channels = s.channels, stride = 3 * channels;
    for (index b = 0; b < s.sequences; ++b)
        for (index head = 0; head < s.heads; ++head) {
            const index in = b * h.tokens * stride + head * h.size, out = b * h.tokens * channels + head * h.size;
            gather(h, qkv + in, stride, factor, h.q);
            gather(h, qkv + in + channels, stride, 1.f, h.k);
            gather(h, qkv + in + 2 * channels, stride, 1.f, h.v);
            gather(h, dy + out, channels, 1.f, h.dy);
            transpose(h, h.k, h.k_across);
            transpose(h, h.v, h.v_across);
            head_backward(h, y + out, channels, log_sum + (b * s.heads + head) * h.tokens);
            scatter(h, h.dq, factor, d_qkv + in, stride);
            scatter(h, h.dk, 1.f, d_qkv + in + channels, stride);
            scatter(h, h.dv, 1.f, d_qkv + in + 2 * channels, stride);
        }
}

}  // namespace
}  // namespace chimera::executor::detail
