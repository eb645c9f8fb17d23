// SPDX-License-Identifier: Apache-2.0
#pragma once

// In which order sums over the rows of a matrix, one a column, are added: the same for every kernel that leaves such
// sums, so that they are the same bits whichever does it. Rows are cut into groups, and within a group way w adds the
// rows w, w + ways, …, one after the other; then the ways are added, then the groups. All of it follows from the shape
// alone.

#include <executor/device/cuda/kernels/pack.cuh>

#include <algorithm>

namespace chimera::executor::gpu {

/// Columns that a lane keeps sums of while it goes from row to row: as many as registers allow, for four sums of each.
inline constexpr int lane_columns = 8;
/// Beyond, no team of one block can keep a row's sums.
inline constexpr int most_team_columns = row_threads * lane_columns;

/// Warps that share a row.
inline int team_warps(int columns) {
    constexpr int most = row_threads / 32, each = 32 * lane_columns;
    return std::min(most, (columns + each - 1) / each);
}

struct column_order {
    int groups, group_rows, ways;
};

inline constexpr int most_ways = 8;

/// Ways for blocks of about 8 warps; groups for as many blocks as 132 processors (H100, H200) hold at once with 128
/// registers a thread: fewer would leave some idle, more make the second pass long.
inline column_order column_order_of(const row_shape& s) {
    const int warps = team_warps(s.columns), ways = std::max(1, most_ways / warps);
    const int most = std::min(132 * (16 / (warps * ways)), (s.rows + 15) / 16), rows = (s.rows + most - 1) / most;
    return {(s.rows + rows - 1) / rows, rows, ways};
}

/// Column of a lane's i-th sum: packs of Width columns, the lanes of a way side by side.
template <int Width>
__device__ inline int column_of(int lane, int lanes, int i) {
    return (i / Width * lanes + lane) * Width + i % Width;
}

/// Adds the ways of one sum: to[column] = the sum over ways of `mine`, for the columns from `first` on. For all threads
/// of the block, `lanes` to a way; room: ways · lanes · N elements, which may be used again afterwards.
template <int Width, int N>
__device__ inline void add_ways(const pack<N>& mine, shared<float> room, int lane, int lanes, int way, int ways,
                                int first, int columns, float* to) {
    for (int i = 0; i < N; ++i) room[(way * N + i) * lanes + lane] = mine[i];
    __syncthreads();
    for (int i = way; i < N; i += ways) {
        const int c = first + column_of<Width>(lane, lanes, i);
        if (c >= columns) continue;
        float total = 0;
        for (int w = 0; w < ways; ++w) total += room[(w * N + i) * lanes + lane];
        to[c] = total;
    }
    __syncthreads();
}

/// Destinations of the sums, [columns] floats each; a null one is not written.
struct column_results {
    float *first, *second = nullptr, *third = nullptr, *fourth = nullptr;
};

inline constexpr int total_warps = 16;

/// Second pass, over partial [sums, groups, columns]: a block for 32 columns of one sum, whose warps take turns with
/// the groups.
static __global__ void column_total_kernel(const float* partial, int groups, int columns, column_results results,
                                           bool add) {
    CHIMERA_SHARED(float, sums, total_warps * 32);
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    const int c = static_cast<int>(blockIdx.x) * 32 + lane;
    const unsigned k = blockIdx.y;
    float* const to = k == 0 ? results.first : k == 1 ? results.second : k == 2 ? results.third : results.fourth;
    if (!to) return;
    const float* const from = partial + size(static_cast<int>(blockIdx.y)) * size(groups) * size(columns);
    float sum = 0;
    if (c < columns) {
        CHIMERA_UNROLL
        for (int g = warp; g < groups; g += total_warps) sum += from[size(g) * size(columns) + size(c)];
    }
    sums[warp * 32 + lane] = sum;
    __syncthreads();
    if (warp != 0 || c >= columns) return;
    float total = 0;
    for (int w = 0; w < total_warps; ++w) total += sums[w * 32 + lane];
    to[c] = add ? to[c] + total : total;
}

inline void launch_total(stream_handle stream, const row_shape& s, const float* partial, int count,
                         const column_results& results, bool add) {
    launch(column_total_kernel, {blocks_for(size(s.columns), 32), static_cast<unsigned>(count)}, 32 * total_warps,
           stream, partial, column_order_of(s).groups, s.columns, results, add);
}

}  // namespace chimera::executor::gpu
