// SPDX-License-Identifier: Apache-2.0
#pragma once

// Work on elements that know nothing of each other: Work::at<Width>(first) handles `Width` elements.

#include "executor/device/cuda/kernels/pack.cuh"

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

}  // namespace chimera::executor::gpu
