// SPDX-License-Identifier: Apache-2.0
#pragma once

// Work on elements that know nothing of each other: Work::at<Width>(first), or at<Width>(row, first column), handles
// `Width` elements.

#include <executor/device/cuda/kernels/pack.cuh>

namespace chimera::executor::gpu {

inline constexpr unsigned each_threads = 256;

/// One thread for each pack, then one for each element of the tail.
template <int Width, class Work>
__global__ void each_kernel(Work work, std::size_t n) {
    const std::size_t packs = n / Width, t = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (t < packs)
        work.template at<Width>(t * Width);
    else if (const std::size_t i = packs * Width + (t - packs); i < n)
        work.template at<1>(i);
}

/// `aligned`: packs of `Width` elements lie on 16-byte boundaries in every tensor.
template <int Width, class Work>
void launch_each(stream_handle stream, std::size_t n, bool aligned, const Work& work) {
    if (aligned)
        launch(each_kernel<Width, Work>, {blocks_for(n / Width + n % Width, each_threads)}, each_threads, stream, work,
               n);
    else
        launch(each_kernel<1, Work>, {blocks_for(n, each_threads)}, each_threads, stream, work, n);
}

/// One block for each row: what depends on the row costs no long division.
template <int Width, class Work>
__global__ void each_in_row_kernel(Work work, int columns) {
    const int step = static_cast<int>(blockDim.x) * Width;
    for (int c = static_cast<int>(threadIdx.x) * Width; c < columns; c += step) work.template at<Width>(blockIdx.x, c);
}

/// `aligned`: packs that begin at multiples of `Width` lie on 16-byte boundaries, in every tensor and row.
template <int Width, class Work>
void launch_each_in_row(stream_handle stream, std::size_t rows, int columns, bool aligned, const Work& work) {
    const grid blocks{static_cast<unsigned>(rows)};
    if (aligned)
        launch(each_in_row_kernel<Width, Work>, blocks, threads_for(size(columns) / Width, each_threads), stream, work,
               columns);
    else
        launch(each_in_row_kernel<1, Work>, blocks, threads_for(size(columns), each_threads), stream, work, columns);
}

}  // namespace chimera::executor::gpu
