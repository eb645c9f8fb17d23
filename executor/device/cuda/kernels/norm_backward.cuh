// SPDX-License-Identifier: Apache-2.0
#pragma once

// The backward of layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019): one body for both, `Centred` for
// the first, and one for the input's gradient with and without sums of columns.

#include <executor/device/cuda/kernels/column_order.cuh>
#include <executor/device/cuda/kernels/norm.cuh>
#include <executor/device/cuda/kernels/reduction.cuh>

namespace chimera::executor::gpu {

template <class Real>
struct norm_tensors {
    const Real* dy;
    const Real* x;
    const Real* scale;
    const float* mean;
    const float* inverse;
    const Real* residual;  ///< may be null
    Real* dx;              ///< may be dy, x or residual: who writes an element has read it before
};

/// A lane's part of one row.
template <int Width>
struct team_row {
    pack<lane_columns> at;

    template <class Real>
    __device__ void load(const Real* row, int lane, int lanes, int columns) {
        CHIMERA_UNROLL
        for (int k = 0; k < lane_columns; k += Width) {
            const int c = column_of<Width>(lane, lanes, k);
            pack<Width> v{};
            if (c < columns) v = gpu::load<Width>(row + c);
            CHIMERA_UNROLL
            for (int i = 0; i < Width; ++i) at[k + i] = v[i];
        }
    }
    template <class Real>
    __device__ void store(Real* row, int lane, int lanes, int columns) const {
        CHIMERA_UNROLL
        for (int k = 0; k < lane_columns; k += Width) {
            const int c = column_of<Width>(lane, lanes, k);
            pack<Width> v;
            CHIMERA_UNROLL
            for (int i = 0; i < Width; ++i) v[i] = at[k + i];
            if (c < columns) gpu::store(row + c, v);
        }
    }
};

/// Sums each value over the lanes of a way; `scratch` [N, warps], which no other call since the last barrier but one
/// has used. Where a way is one warp nobody waits.
template <int N>
__device__ inline void over_team(float (&values)[N], shared<float> scratch, int lanes, int way) {
    CHIMERA_UNROLL
    for (int i = 0; i < N; ++i) values[i] = over_warp<sum_of>(values[i]);
    if (lanes == 32) return;
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32), warps = lanes / 32;
    if (lane == 0) {
        CHIMERA_UNROLL
        for (int i = 0; i < N; ++i) scratch[i * most_warps + warp] = values[i];
    }
    __syncthreads();
    CHIMERA_UNROLL
    for (int i = 0; i < N; ++i)
        values[i] =
            over_warp<sum_of>(lane < warps ? static_cast<float>(scratch[i * most_warps + way * warps + lane]) : 0.0f);
}

/// A lane's part of the rows that a team handles at once, with their statistics and the two means that dx needs.
template <bool Centred, int Width, int Rows>
struct team_rows {
    team_row<Width> dy[Rows], x[Rows], out[Rows];
    float middle[Rows], factor[Rows], means[2 * Rows];

    /// Reads the rows `first`, `first + step` …; those from `last` on become zeros.
    template <class Real>
    __device__ void load(const norm_tensors<Real>& t, int first, int step, int last, int lane, int lanes, int columns) {
        CHIMERA_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const int row = first + r * step, end = row < last ? columns : 0;
            const std::size_t at = size(row) * size(columns);
            dy[r].load(t.dy + at, lane, lanes, end);
            x[r].load(t.x + at, lane, lanes, end);
            if (t.residual)
                out[r].load(t.residual + at, lane, lanes, end);
            else
                out[r] = {};
            middle[r] = Centred && end > 0 ? t.mean[row] : 0.0f;
            factor[r] = end > 0 ? t.inverse[row] : 0.0f;
        }
    }

    /// Sums this lane's terms of the two means.
    __device__ void add_terms(const team_row<Width>& scale) {
        CHIMERA_UNROLL
        for (int r = 0; r < 2 * Rows; ++r) means[r] = 0;
        CHIMERA_UNROLL
        for (int r = 0; r < Rows; ++r) CHIMERA_UNROLL
        for (int i = 0; i < lane_columns; ++i) {
            const float s = __fmul_rn(dy[r].at[i], scale.at[i]);
            means[r] = fmaf(s, normal(x[r].at[i], middle[r], factor[r]), means[r]);
            if constexpr (Centred) means[Rows + r] += s;
        }
    }

    /// Turns `out` of row r into dx and adds the row to the columns' sums.
    template <bool Parameters, bool Biases, class Real, int Sums>
    __device__ void finish(int r, float share, const team_row<Width>& scale, pack<lane_columns> (&sums)[Sums]) {
        constexpr int norms = Parameters ? (Centred ? 2 : 1) : 0;
        const float product = __fmul_rn(means[r], share), sum = Centred ? __fmul_rn(means[Rows + r], share) : 0.0f;
        CHIMERA_UNROLL
        for (int i = 0; i < lane_columns; ++i) {
            const float d = dy[r].at[i], v = normal(x[r].at[i], middle[r], factor[r]);
            if constexpr (Parameters) add_norm_terms<Centred>(d, v, i, sums);
            if constexpr (Biases) sums[norms][i] += out[r].at[i];
            const float slope = fmaf(-v, product, __fmul_rn(d, scale.at[i]) - sum);
            out[r].at[i] = fmaf(factor[r], slope, out[r].at[i]);
            if constexpr (Biases) sums[norms + 1][i] += as_stored<Real>(out[r].at[i]);
        }
    }
};

/// dx = residual + inverse · (s - [mean of s] - normal · mean of s · normal), with s = dy · scale, normal = (x - mean)
/// · inverse.
///
/// A block handles one group of rows (column_order.cuh), a team of warps one way of it, two rows at once (one, element
/// by element: registers). A lane has one set of columns in each row, and their sums in registers. Sums 0: none; with
/// `Biases` also those of residual and dx. They go to partial [sums, groups, columns].
template <bool Centred, bool Parameters, bool Biases, class Real, int Width>
__global__ void __launch_bounds__(row_threads)
    norm_backward_kernel(norm_tensors<Real> t, int rows, int columns, int group_rows, int ways, float* partial) {
    constexpr int at_once = Width > 1 ? 2 : 1, norms = Parameters ? (Centred ? 2 : 1) : 0,
                  count = norms + (Biases ? 2 : 0);
    CHIMERA_SHARED(float, scratch, 2 * 2 * at_once * most_warps);
    const int lanes = static_cast<int>(blockDim.x) / ways, way = static_cast<int>(threadIdx.x) / lanes,
              lane = static_cast<int>(threadIdx.x) - way * lanes;
    const int first_row = static_cast<int>(blockIdx.x) * group_rows, last_row = min(rows, first_row + group_rows);
    const float share = 1 / static_cast<float>(columns);
    team_row<Width> scale;
    scale.load(t.scale, lane, lanes, columns);
    pack<lane_columns> sums[count > 0 ? count : 1] = {};
    for (int block_row = first_row, turn = 0; block_row < last_row; block_row += at_once * ways, turn = 1 - turn) {
        team_rows<Centred, Width, at_once> part;
        part.load(t, block_row + way, ways, last_row, lane, lanes, columns);
        part.add_terms(scale);
        over_team(part.means, scratch + turn * (2 * at_once * most_warps), lanes, way);
        CHIMERA_UNROLL
        for (int r = 0; r < at_once; ++r) {
            const int row = block_row + r * ways + way;
            if (row >= last_row) continue;
            part.template finish<Parameters, Biases, Real>(r, share, scale, sums);
            part.out[r].store(t.dx + size(row) * size(columns), lane, lanes, columns);
        }
    }
    if constexpr (count > 0) {
        CHIMERA_SHARED(float, room, row_threads* lane_columns);
        CHIMERA_UNROLL
        for (int k = 0; k < count; ++k)
            add_ways<Width>(sums[k], room + 0, lane, lanes, way, ways, 0, columns,
                            partial + (size(k) * gridDim.x + blockIdx.x) * size(columns));
    }
}

}  // namespace chimera::executor::gpu
