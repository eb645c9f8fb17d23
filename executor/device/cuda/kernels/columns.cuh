// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums over the rows of a matrix, one a column: gradients of biases and of norm parameters. Two passes in a fixed order: groups of
// rows, then the groups. How many groups there are follows from the shape alone.

#include "executor/device/cuda/kernels/pack.cuh"

#include <algorithm>

namespace chimera::executor::gpu {

inline constexpr int column_warps = 8;

/// Few groups leave processors idle, many make the second pass long.
inline int column_groups(const row_shape& s) { return std::min(64, (s.rows + 127) / 128); }

/// Work: `count` sums a column; add(row, column, sums) adds one row's terms. A warp takes every eighth row of a group, a lane
/// `Width` columns. Sums go to partial [count, groups, columns].
template <class Work, int Width>
__global__ void column_partial_kernel(Work work, int rows, int columns, int group_rows, float* partial) {
    constexpr int tile = 32 * Width, count = Work::count;
    CHIMERA_SHARED(float, sums, count* column_warps* tile);
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    const int first = static_cast<int>(blockIdx.x) * tile, group = static_cast<int>(blockIdx.y);
    const int last_row = min(rows, (group + 1) * group_rows), column = first + lane * Width;
    pack<Width> sum[count] = {};
    if (column < columns)
        for (int row = group * group_rows + warp; row < last_row; row += column_warps) work.add(row, column, sum);
    for (int k = 0; k < count; ++k)
        for (int i = 0; i < Width; ++i) sums[((k * column_warps + warp) * Width + i) * 32 + lane] = sum[k][i];
    __syncthreads();
    for (int t = static_cast<int>(threadIdx.x); t < count * tile; t += 32 * column_warps) {
        const int k = t / tile, i = t % tile / 32, c = first + t % 32 * Width + i;
        if (c >= columns) continue;
        float total = 0;
        for (int w = 0; w < column_warps; ++w) total += sums[(k * column_warps + w) * tile + t % tile];
        partial[(size(k) * gridDim.y + blockIdx.y) * size(columns) + size(c)] = total;
    }
}

/// One thread a column. The second result is for count 2.
template <int Count>
__global__ void column_total_kernel(const float* partial, int groups, int columns, float* result, float* second,
                                    bool add) {
    const int c = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (c >= columns) return;
    for (int k = 0; k < Count; ++k) {
        float* to = (k == 0 ? result : second) + c;
        float total = 0;
        for (int g = 0; g < groups; ++g) total += partial[(size(k) * size(groups) + size(g)) * size(columns) + size(c)];
        *to = add ? *to + total : total;
    }
}

template <int Width, class Work>
void launch_columns(stream_handle stream, const row_shape& s, bool aligned, const Work& work, float* result,
                    float* second, bool add, void* workspace) {
    const int groups = column_groups(s), group_rows = (s.rows + groups - 1) / groups;
    auto* partial = static_cast<float*>(workspace);
    constexpr unsigned threads = 32 * column_warps;
    const auto tiles = [&](int width) {
        return grid{blocks_for(size(s.columns), static_cast<unsigned>(32 * width)), static_cast<unsigned>(groups)};
    };
    if (aligned)
        launch(column_partial_kernel<Work, Width>, tiles(Width), threads, stream, work, s.rows, s.columns, group_rows,
               partial);
    else
        launch(column_partial_kernel<Work, 1>, tiles(1), threads, stream, work, s.rows, s.columns, group_rows, partial);
    launch(column_total_kernel<Work::count>, {blocks_for(size(s.columns), 128)}, 128, stream, partial, groups,
           s.columns, result, second, add);
}

template <class Real>
struct bias_work {
    static constexpr int count = 1;
    const Real* dy;
    int columns;
    template <int Width>
    __device__ void add(int row, int column, pack<Width>* sums) const {
        const pack<Width> d = load<Width>(dy + size(row) * size(columns) + size(column));
        for (int i = 0; i < Width; ++i) sums[0][i] += d[i];
    }
};

/// Layer norm: of scale and shift. RMS norm, mean null: of scale.
template <bool Centred, class Real>
struct norm_work {
    static constexpr int count = Centred ? 2 : 1;
    const Real* dy;
    const Real* x;
    const float* mean;
    const float* inverse;
    int columns;
    template <int Width>
    __device__ void add(int row, int column, pack<Width>* sums) const {
        const std::size_t at = size(row) * size(columns) + size(column);
        const pack<Width> d = load<Width>(dy + at), v = load<Width>(x + at);
        const float middle = Centred ? mean[row] : 0.0f, factor = inverse[row];
        for (int i = 0; i < Width; ++i) {
            sums[0][i] += d[i] * (v[i] - middle) * factor;
            if constexpr (Centred) sums[1][i] += d[i];
        }
    }
};

}  // namespace chimera::executor::gpu
