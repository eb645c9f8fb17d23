// SPDX-License-Identifier: Apache-2.0

// Attention head by head, in blocks of query rows: scores of a block against the keys up to its end, softmax, products.
// The backward recomputes the probabilities from the softmax's saved denominator instead of keeping tokens² numbers
// (Dao et al. 2022, FlashAttention, algorithms 1 and 4).

namespace chimera::executor::detail {
namespace {

constexpr index block_rows = 32;

/// A matrix read element by element: broadcast operand of a product.
struct scattered {
    const float* data;
    index row, column;  ///< strides
};

/// c[R, 16·V] (+)= a[R, k] · b[k, 16·V].
template <int R, int V>
CHIMERA_INLINE void tile(index k, scattered a, const float* b, index b_stride, float* c, index c_stride,
                         bool accumulate) {
    vector sums[R][V];
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sums[r][v] = accumulate ? load(c + r * c_stride + v * lanes) : vector{};
    for (index i = 0; i < k; ++i) {
        const float* row = b + i * b_stride;
        for (int r = 0; r < R; ++r) {
            const float factor = a.data[r * a.row + i * a.column];
            for (int v = 0; v < V; ++v) sums[r][v] += factor * load(row + v * lanes);
        }
    }
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(c + r * c_stride + v * lanes, sums[r][v]);
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

/// c[m, n] (+)= a[m, k] · b[k, n]; n is a multiple of 16.
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

/// One step of a 16 × 16 transposition: swaps the off-diagonal S × S blocks of every 2S × 2S block.
template <int S, int... L>
CHIMERA_INLINE void swap_blocks(vector (&v)[lanes], std::integer_sequence<int, L...>) {
    for (int i = 0; i < lanes; ++i) {
        if (i & S) continue;
        const vector a = v[i], b = v[i + S];
        v[i] = __builtin_shufflevector(a, b, ((L & S) ? lanes + L - S : L)...);
        v[i + S] = __builtin_shufflevector(a, b, ((L & S) ? lanes + L : L + S)...);
    }
}

/// One matrix of a head: [tokens, width].
struct head_rows {
    const float* data;
    index stride;
    const float* at(index row) const { return data + row * stride; }
};

/// y[width, padded] = xᵀ, zeros to the right.
CHIMERA_INLINE void transpose(const head_rows& x, index tokens, index width, float* y, index padded) {
    constexpr auto all = std::make_integer_sequence<int, lanes>();
    for (index t = 0; t < padded; t += lanes)
        for (index d = 0; d < width; d += lanes) {
            vector v[lanes];
            for (index i = 0; i < lanes; ++i) v[i] = t + i < tokens ? load(x.at(t + i) + d) : vector{};
            swap_blocks<1>(v, all);
            swap_blocks<2>(v, all);
            swap_blocks<4>(v, all);
            swap_blocks<8>(v, all);
            for (index i = 0; i < lanes; ++i) store(y + (d + i) * padded + t, v[i]);
        }
}

/// Room for one head's work. Operands are copied, to rows of floats padded with zeros, only if they are no floats or
/// the head size is no multiple of 16.
struct head_scratch {
    index tokens, size, width, padded;  ///< width: head size rounded up; padded: tokens rounded up
    float* copies[4];                   ///< [tokens, width]
    float *dk, *dv;                     ///< [tokens, width]
    float *k_across, *v_across;         ///< [width, padded]
    float *p, *dp;                      ///< [block_rows, padded]
    float* block;                       ///< [block_rows, width]

    head_scratch(const attention_shape& s, float* data)
        : tokens(s.tokens), size(s.head_size()), width(rounded(size)), padded(rounded(tokens)) {
        const index rows = tokens * width, columns = width * padded;
        for (int i = 0; i < 4; ++i) copies[i] = data + i * rows;
        dk = data + 4 * rows, dv = dk + rows, k_across = dv + rows, v_across = k_across + columns;
        p = v_across + columns, dp = p + block_rows * padded, block = dp + block_rows * padded;
    }

    template <class Real>
    head_rows operand(int which, const Real* x, index stride) const {
        if constexpr (std::is_same_v<Real, float>)
            if (size == width) return {x, stride};
        for (index t = 0; t < tokens; ++t) {
            float* row = copies[which] + t * width;
            for (index d = 0; d < size; ++d) row[d] = widen(x[t * stride + d]);
            for (index d = size; d < width; ++d) row[d] = 0;
        }
        return {copies[which], width};
    }
};

std::size_t attention_scratch(const attention_shape& s) {
    const index width = rounded(s.head_size()), padded = rounded(s.tokens);
    return static_cast<std::size_t>(6 * s.tokens * width + 2 * width * padded + block_rows * (2 * padded + width));
}

/// y = x for `rows` rows of a head.
template <class Real>
CHIMERA_INLINE void scatter(const head_scratch& h, index rows, const float* x, Real* y, index stride) {
    for (index t = 0; t < rows; ++t)
        for (index d = 0; d < h.size; ++d) put(y[t * stride + d], x[t * h.width + d]);
}

/// Turns a row of scores into e^(factor · (score - largest)), zeros after the first `seen`. `total_sum` becomes their
/// sum. Returns the logarithm of the softmax's denominator.
CHIMERA_INLINE float softmax_row(float* p, float factor, index seen, index n, float& total_sum) {
    const float largest = largest_of(p, seen);
    vector total{};
    for (index j = 0; j < n; j += lanes) {
        const vector e = choose(seen - j, exponential(factor * (load(p + j) - largest)), vector{});
        store(p + j, e);
        total += e;
    }
    total_sum = sum(total);
    return factor * largest + __builtin_logf(total_sum);
}

template <class Real>
void head_forward(const head_scratch& h, const head_rows& q, const head_rows& v, float factor, Real* y, index stride,
                  float* log_sum) {
    for (index first = 0; first < h.tokens; first += block_rows) {
        const index end = first + block_rows < h.tokens ? first + block_rows : h.tokens, rows = end - first;
        const index n = rounded(end);
        float sums[block_rows];
        product(rows, n, h.size, {q.at(first), q.stride, 1}, h.k_across, h.padded, h.p, h.padded, false);
        for (index r = 0; r < rows; ++r)
            log_sum[first + r] = softmax_row(h.p + r * h.padded, factor, first + r + 1, n, sums[r]);
        product(rows, h.width, end, {h.p, h.padded, 1}, v.data, v.stride, h.block, h.width, false);
        for (index r = 0; r < rows; ++r)
            for (index d = 0; d < h.size; ++d) put(y[(first + r) * stride + d], h.block[r * h.width + d] / sums[r]);
    }
}

template <class Real>
void attention_forward(const attention_shape& s, int first, int last, const Real* qkv, Real* y, float* log_sum,
                       float* scratch) {
    const head_scratch h(s, scratch);
    const float factor = 1.f / __builtin_sqrtf(static_cast<float>(h.size));
    const index channels = s.channels, stride = 3 * channels;
    for (index i = first; i < last; ++i) {
        const index b = i / s.heads, head = i % s.heads;
        const Real* x = qkv + b * h.tokens * stride + head * h.size;
        const head_rows q = h.operand(0, x, stride), k = h.operand(1, x + channels, stride),
                        v = h.operand(2, x + 2 * channels, stride);
        transpose(k, h.tokens, h.width, h.k_across, h.padded);
        head_forward(h, q, v, factor, y + b * h.tokens * channels + head * h.size, channels, log_sum + i * h.tokens);
    }
}

/// From scores (p) and products of the gradient with the values (dp): the probabilities, and the gradient of the
/// products of queries and keys.
CHIMERA_INLINE void softmax_row_backward(float* p, float* dp, float factor, index seen, index n, float log_sum,
                                         float mean) {
    for (index j = 0; j < n; j += lanes) {
        const vector e = choose(seen - j, exponential(factor * load(p + j) - log_sum), vector{});
        store(p + j, e);
        store(dp + j, factor * e * (load(dp + j) - mean));
    }
}

/// Leaves the gradients of keys and values in the scratch and writes those of the queries, over the queries if need be.
template <class Real>
void head_backward(const head_scratch& h, const head_rows& q, const head_rows& k, const head_rows& dy, float factor,
                   const Real* y, index y_stride, const float* log_sum, Real* d_q, index stride) {
    for (index i = 0; i < h.tokens * h.width; ++i) h.dk[i] = h.dv[i] = 0;
    for (index first = 0; first < h.tokens; first += block_rows) {
        const index end = first + block_rows < h.tokens ? first + block_rows : h.tokens, rows = end - first;
        const index n = rounded(end);
        product(rows, n, h.size, {q.at(first), q.stride, 1}, h.k_across, h.padded, h.p, h.padded, false);
        product(rows, n, h.size, {dy.at(first), dy.stride, 1}, h.v_across, h.padded, h.dp, h.padded, false);
        for (index r = 0; r < rows; ++r) {
            const float* gradient = dy.at(first + r);
            const Real* result = y + (first + r) * y_stride;
            const float mean = sum_over(h.size, [&](index d, index count) CHIMERA_LAMBDA {
                return load(gradient + d, count) * load(result + d, count);
            });
            softmax_row_backward(h.p + r * h.padded, h.dp + r * h.padded, factor, first + r + 1, n, log_sum[first + r],
                                 mean);
        }
        product(end, h.width, rows, {h.dp, 1, h.padded}, q.at(first), q.stride, h.dk, h.width, true);
        product(end, h.width, rows, {h.p, 1, h.padded}, dy.at(first), dy.stride, h.dv, h.width, true);
        product(rows, h.width, end, {h.dp, h.padded, 1}, k.data, k.stride, h.block, h.width, false);
        scatter(h, rows, h.block, d_q + first * stride, stride);  // this block's queries are not needed again
    }
}

template <class Real>
void attention_backward(const attention_shape& s, int first, int last, const Real* qkv, const Real* y, const Real* dy,
                        const float* log_sum, Real* d_qkv, float* scratch) {
    const head_scratch h(s, scratch);
    const float factor = 1.f / __builtin_sqrtf(static_cast<float>(h.size));
    const index channels = s.channels, stride = 3 * channels;
    for (index i = first; i < last; ++i) {
        const index b = i / s.heads, head = i % s.heads;
        const index in = b * h.tokens * stride + head * h.size, out = b * h.tokens * channels + head * h.size;
        const head_rows q = h.operand(0, qkv + in, stride), k = h.operand(1, qkv + in + channels, stride),
                        v = h.operand(2, qkv + in + 2 * channels, stride), gradient = h.operand(3, dy + out, channels);
        transpose(k, h.tokens, h.width, h.k_across, h.padded);
        transpose(v, h.tokens, h.width, h.v_across, h.padded);
        head_backward(h, q, k, gradient, factor, y + out, channels, log_sum + i * h.tokens, d_qkv + in, stride);
        scatter(h, h.tokens, h.dk, d_qkv + in + channels, stride);
        scatter(h, h.tokens, h.dv, d_qkv + in + 2 * channels, stride);
    }
}

}  // namespace
}  // namespace chimera::executor::detail
