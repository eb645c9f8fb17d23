// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/kernels/cuda.cuh>

namespace chimera::executor::gpu {

inline constexpr int clip_threads = 128;

/// One block: a column's sum to a thread, then the first thread adds up the columns' sums.
static __global__ void clip_kernel(norm_limit by, adamw_numbers* numbers, int count) {
    CHIMERA_SHARED(double, sums, clip_threads);
    const int thread = static_cast<int>(threadIdx.x);
    double total = 0;
    for (int first = 0; first < by.columns; first += clip_threads) {
        double sum = 0;
        if (const int column = first + thread; column < by.columns)
            for (int row = 0; row < by.rows; ++row)
                sum += by.squares[static_cast<std::size_t>(row) * static_cast<std::size_t>(by.columns) +
                                  static_cast<std::size_t>(column)];
        sums[thread] = sum;
        __syncthreads();
        if (thread == 0)
            for (int k = 0; k < clip_threads && first + k < by.columns; ++k) total += sums[k];
        __syncthreads();
    }
    if (thread != 0) return;
    const double norm = sqrt(total) / by.units;
    const double factor = by.limit > 0 && norm > by.limit ? by.limit / norm : 1;
    for (int i = 0; i < count; ++i) numbers[i].gradient_scale = static_cast<float>(factor / by.units);
    *by.norm = norm;
}

}  // namespace chimera::executor::gpu
