// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sums over the rows of a matrix, where no pass over whole rows takes them along.

#include <executor/device/cuda/kernels/column_order.cuh>
#include <executor/device/cuda/kernels/elementwise.cuh>
#include <executor/device/cuda/kernels/norm.cuh>

namespace chimera::executor::gpu {

/// Work: `count` sums a column, of `at_once` rows in flight; load(row, column) reads one row's terms, add(terms, row,
/// column, sums) adds them. A block takes one group of rows and as many columns as a warp spans, a warp one way. Sums
/// go to partial [count, groups, columns].
template <class Work, int Width>
__global__ void column_partial_kernel(Work work, int rows, int columns, int group_rows, float* partial) {
    constexpr int tile = 32 * Width, count = Work::count, at_once = Work::at_once;
    CHIMERA_SHARED(float, room, most_ways* tile);
    const int lane = static_cast<int>(threadIdx.x % 32), way = static_cast<int>(threadIdx.x / 32);
    const int ways = static_cast<int>(blockDim.x / 32), group = static_cast<int>(blockIdx.y);
    const int first = static_cast<int>(blockIdx.x) * tile, column = first + lane * Width;
    const int last_row = min(rows, (group + 1) * group_rows);
    pack<Width> sum[count] = {};
    int row = column < columns ? group * group_rows + way : last_row;
    for (; row + (at_once - 1) * ways < last_row; row += at_once * ways) {
        typename Work::template terms<Width> read[at_once];
        CHIMERA_UNROLL
        for (int k = 0; k < at_once; ++k) read[k] = work.template load<Width>(row + k * ways, column);
        CHIMERA_UNROLL
        for (int k = 0; k < at_once; ++k) work.add(read[k], row + k * ways, column, sum);
    }
    for (; row < last_row; row += ways) work.add(work.template load<Width>(row, column), row, column, sum);
    CHIMERA_UNROLL
    for (int k = 0; k < count; ++k)
        add_ways<Width>(sum[k], room + 0, lane, 32, way, ways, first, columns,
                        partial + (size(k) * gridDim.y + blockIdx.y) * size(columns));
}

template <int Width, class Work>
void launch_partial(stream_handle stream, const row_shape& s, bool aligned, const Work& work, float* partial) {
    const column_order order = column_order_of(s);
    const auto go = [&](auto width) {
        launch(column_partial_kernel<Work, width>,
               {blocks_for(size(s.columns), 32 * width), static_cast<unsigned>(order.groups)},
               static_cast<unsigned>(32 * order.ways), stream, work, s.rows, s.columns, order.group_rows, partial);
    };
    aligned ? go(std::integral_constant<int, Width>{}) : go(std::integral_constant<int, 1>{});
}

template <class Real>
struct bias_work {
    static constexpr int count = 1, at_once = 8;
    const Real* dy;
    int columns;
    template <int Width>
    using terms = pack<Width>;
    template <int Width>
    __device__ pack<Width> load(int row, int column) const {
        return gpu::load<Width>(dy + size(row) * size(columns) + size(column));
    }
    template <int Width>
    __device__ void add(const pack<Width>& d, int, int, pack<Width>* sums) const {
        for (int i = 0; i < Width; ++i) sums[0][i] += d[i];
    }
};

template <int Width>
struct two_packs {
    pack<Width> first, second;
};

/// Layer norm: of scale and shift. RMS norm, mean null: of scale.
template <bool Centred, class Real>
struct norm_work {
    static constexpr int count = Centred ? 2 : 1, at_once = 4;
    const Real* dy;
    const Real* x;
    const float* mean;
    const float* inverse;
    int columns;
    template <int Width>
    using terms = two_packs<Width>;
    template <int Width>
    __device__ two_packs<Width> load(int row, int column) const {
        const std::size_t at = size(row) * size(columns) + size(column);
        return {gpu::load<Width>(dy + at), gpu::load<Width>(x + at)};
    }
    template <int Width>
    __device__ void add(const two_packs<Width>& t, int row, int, pack<Width>* sums) const {
        const float middle = Centred ? mean[row] : 0.0f, factor = inverse[row];
        for (int i = 0; i < Width; ++i)
            add_norm_terms<Centred>(t.first[i], normal(t.second[i], middle, factor), i, sums);
    }
};

/// The GELU's backward, with sums of what it writes: a bias added before the GELU has them as its gradient.
template <class Real>
struct gelu_backward_columns_work {
    static constexpr int count = 1, at_once = 4;
    const Real* x;
    const Real* dy;
    Real* dx;
    int columns;
    template <int Width>
    using terms = two_packs<Width>;
    template <int Width>
    __device__ two_packs<Width> load(int row, int column) const {
        const std::size_t at = size(row) * size(columns) + size(column);
        return {gpu::load<Width>(x + at), gpu::load<Width>(dy + at)};
    }
    template <int Width>
    __device__ void add(const two_packs<Width>& t, int row, int column, pack<Width>* sums) const {
        const pack<Width> d = gelu_backward_work<Real>::gradient(t.first, t.second);
        store(dx + size(row) * size(columns) + size(column), d);
        for (int i = 0; i < Width; ++i) sums[0][i] = __fadd_rn(sums[0][i], as_stored<Real>(d[i]));
    }
};

}  // namespace chimera::executor::gpu
