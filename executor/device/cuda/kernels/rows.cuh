// SPDX-License-Identifier: Apache-2.0
#pragma once

// Layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019): one body for both, `Centred` for the first.

#include <executor/device/cuda/kernels/reduction.cuh>
#include <executor/device/cuda/kernels/row.cuh>

namespace chimera::executor::gpu {

/// The threads that share a row: a block, or a warp, which waits for nobody.
template <bool Warp>
struct team {
    int row;
    unsigned lane, lanes;
    __device__ team()
        : row(static_cast<int>(Warp ? blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32 : blockIdx.x)),
          lane(Warp ? threadIdx.x % 32 : threadIdx.x), lanes(Warp ? 32 : blockDim.x) {}
    __device__ float sum(float value, shared<float> scratch) const {
        return Warp ? over_warp<sum_of>(value) : over_block<sum_of>(value, scratch);
    }
};

/// The variance is summed around the mean, in a second visit: no cancellation.
template <bool Centred, bool Warp, class Real, int Width, int Held>
__global__ void __launch_bounds__(row_threads)
    norm_forward_kernel(int rows, int columns, const Real* x, const Real* scale, const Real* shift, Real* y,
                        float* mean, float* inverse) {
    CHIMERA_SHARED(float, scratch, 2 * most_warps);
    const team<Warp> us;
    if (us.row >= rows) return;
    const std::size_t first = size(us.row) * size(columns);
    const thread_row<Real, Width, Held> row(x + first, columns, us.lane, us.lanes);
    const float n = static_cast<float>(columns);
    float middle = 0, squares = 0;
    if constexpr (Centred) {
        row.each([&](int, const pack<Width>& v) {
            for (int i = 0; i < Width; ++i) middle += v[i];
        });
        middle = us.sum(middle, scratch + 0) / n;
    }
    row.each([&](int, const pack<Width>& v) {
        for (int i = 0; i < Width; ++i) squares += (v[i] - middle) * (v[i] - middle);
    });
    squares = us.sum(squares, scratch + most_warps);
    const float factor = 1 / sqrtf(squares / n + static_cast<float>(norm_epsilon));
    row.each([&](int c, const pack<Width>& v) {
        const pack<Width> a = load<Width>(scale + c);
        pack<Width> b{};
        if constexpr (Centred) b = load<Width>(shift + c);
        for (int i = 0; i < Width; ++i) b[i] += (v[i] - middle) * factor * a[i];
        store(y + first + c, b);
    });
    if (us.lane != 0) return;
    if constexpr (Centred) mean[us.row] = middle;
    inverse[us.row] = factor;
}

/// The input's gradient (see norm_backward.cuh) of rows that are too long for a team.
/// All is read before the first element is written, or by the thread that writes it: dx may be an input.
template <bool Centred, class Real, int Width, int Held>
__global__ void __launch_bounds__(row_threads)
    wide_norm_backward_kernel(int columns, const Real* dy, const Real* x, const Real* scale, const float* mean,
                              const float* inverse, const Real* residual, Real* dx) {
    CHIMERA_SHARED(float, scratch, 2 * most_warps);
    const std::size_t first = static_cast<std::size_t>(blockIdx.x) * size(columns);
    const thread_row<Real, Width, Held> slopes(dy + first, columns), row(x + first, columns);
    const float middle = Centred ? mean[blockIdx.x] : 0.0f, factor = inverse[blockIdx.x];
    float sum = 0, product = 0;
    const auto visit = [&](auto f) {
        slopes.each_with(row, [&](int c, const pack<Width>& d, const pack<Width>& v) {
            const pack<Width> a = load<Width>(scale + c);
            pack<Width> s, normal;
            for (int i = 0; i < Width; ++i) s[i] = d[i] * a[i], normal[i] = (v[i] - middle) * factor;
            f(c, s, normal);
        });
    };
    visit([&](int, const pack<Width>& s, const pack<Width>& normal) {
        for (int i = 0; i < Width; ++i) sum += s[i], product += s[i] * normal[i];
    });
    const float n = static_cast<float>(columns);
    sum = Centred ? over_block<sum_of>(sum, scratch + 0) / n : 0.0f;
    product = over_block<sum_of>(product, scratch + most_warps) / n;
    visit([&](int c, const pack<Width>& s, const pack<Width>& normal) {
        pack<Width> out{};
        if (residual) out = load<Width>(residual + first + c);
        for (int i = 0; i < Width; ++i) out[i] += factor * (s[i] - sum - normal[i] * product);
        store(dx + first + c, out);
    });
}

}  // namespace chimera::executor::gpu
