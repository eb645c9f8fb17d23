// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gradient of a token table without atomics: rows are sorted by token (sort.cuh) and cut into segments of equal
// length, so that a frequent token keeps no block busier than another. A block sums its segment's runs of equal tokens.
// Runs within a segment go straight to the table; runs that cross a border leave partial sums, which a second kernel
// adds up in order.

#include <executor/device/cuda/kernels/each.cuh>
#include <executor/device/cuda/kernels/sort.cuh>

namespace chimera::executor::gpu {

inline constexpr int segment_rows = 32;

template <class Real>
struct embedding_work {
    int tokens_each, channels;
    const std::int32_t* tokens;
    const Real* token_table;
    const Real* position_table;  ///< may be null
    Real* y;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const std::size_t n = size(channels);
        pack<Width> sum = load<Width>(token_table + size(tokens[row]) * n + c);
        if (position_table) {
            const pack<Width> p = load<Width>(position_table + row % static_cast<unsigned>(tokens_each) * n + c);
            for (int i = 0; i < Width; ++i) sum[i] += p[i];
        }
        store(y + row * n + c, sum);
    }
};

/// Elements are counted over [tokens, channels]; `period` of them in a sequence.
template <class Real>
struct position_work {
    const Real* dy;
    float* d_position_table;
    std::size_t period;
    int sequences;
    bool add;
    template <int Width>
    __device__ void at(std::size_t i) const {
        pack<Width> sum{};
        if (add) sum = load<Width>(d_position_table + i);
        for (int s = 0; s < sequences; ++s) {
            const pack<Width> d = load<Width>(dy + size(s) * period + i);
            for (int k = 0; k < Width; ++k) sum[k] += d[k];
        }
        store(d_position_table + i, sum);
    }
};

struct segment_shape {
    const keyed_row* sorted;
    int rows, channels;
    __device__ int begin(int segment) const { return segment * segment_rows; }
    __device__ int end(int segment) const { return min(rows, begin(segment) + segment_rows); }
    /// Returns true if the run that holds row i of the order goes on in the row after it.
    __device__ bool goes_on(int i) const { return i >= 0 && i + 1 < rows && sorted[i].token == sorted[i + 1].token; }
};

/// partial [segments, 2, channels]: sums of the run that came from the segment before, and of the one that goes on in
/// the next. A run that does both is in the first.
template <int Width, class Real>
__global__ void embedding_segment_kernel(segment_shape s, const Real* dy, float* d_token_table, float* partial) {
    CHIMERA_SHARED(int, tokens, segment_rows);
    CHIMERA_SHARED(int, rows, segment_rows);
    const int segment = static_cast<int>(blockIdx.x), begin = s.begin(segment), count = s.end(segment) - begin;
    if (const int t = static_cast<int>(threadIdx.x); t < count) {
        tokens[t] = s.sorted[begin + t].token;
        rows[t] = s.sorted[begin + t].row;
    }
    __syncthreads();
    const bool comes_from_before = s.goes_on(begin - 1), continues = s.goes_on(begin + count - 1);
    const std::size_t n = size(s.channels);
    float* border = partial + 2 * size(segment) * n;
    for (int c = static_cast<int>(threadIdx.x) * Width; c < s.channels; c += static_cast<int>(blockDim.x) * Width) {
        pack<Width> sum{};
        bool first_run = true;
        for (int e = 0; e < count; ++e) {
            const pack<Width> d = load<Width>(dy + size(rows[e]) * n + c);
            for (int i = 0; i < Width; ++i) sum[i] += d[i];
            const bool at_end = e + 1 == count;
            if (!at_end && tokens[e] == tokens[e + 1]) continue;
            if (first_run && comes_from_before) {
                store(border + c, sum);
            } else if (at_end && continues) {
                store(border + n + c, sum);
            } else {
                float* to = d_token_table + size(tokens[e]) * n + c;
                const pack<Width> before = load<Width>(to);
                for (int i = 0; i < Width; ++i) sum[i] += before[i];
                store(to, sum);
            }
            sum = {}, first_run = false;
        }
    }
}

/// A block for each border: if a run begins in the segment before it and crosses it, adds the run's parts up.
static __global__ void embedding_border_kernel(segment_shape s, int segments, const float* partial,
                                               float* d_token_table) {
    const int segment = static_cast<int>(blockIdx.x), last = s.end(segment) - 1;
    const int token = s.sorted[last].token;
    if (!s.goes_on(last) || (s.goes_on(s.begin(segment) - 1) && s.sorted[s.begin(segment)].token == token)) return;
    const std::size_t n = size(s.channels);
    for (std::size_t c = threadIdx.x; c < n; c += blockDim.x) {
        float sum = partial[(2 * size(segment) + 1) * n + c];
        for (int k = segment + 1; k < segments && s.sorted[s.begin(k)].token == token; ++k)
            sum += partial[2 * size(k) * n + c];
        d_token_table[size(token) * n + c] += sum;
    }
}

}  // namespace chimera::executor::gpu
