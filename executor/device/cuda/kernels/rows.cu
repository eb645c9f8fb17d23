// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/rows.cuh>

namespace chimera::executor::gpu {

namespace {

template <bool Centred, class Real>
void forward(stream_handle stream, const row_shape& s, const Real* x, const Real* scale, const Real* shift, Real* y,
             float* mean, float* inverse) {
    const auto rows = static_cast<unsigned>(s.rows);
    const bool aligned = wide<lanes<Real>>(size(s.columns), x, scale, shift, y);
    if (suits_warp<Real>(s.columns, aligned)) {
        constexpr unsigned warps = 8;
        with_warp_plan<Real>(s.columns, [&](auto width, auto held) {
            launch(norm_forward_kernel<Centred, true, Real, width, held>, {blocks_for(rows, warps)}, 32 * warps, stream,
                   s.rows, s.columns, x, scale, shift, y, mean, inverse);
        });
    } else {
        with_row_plan<Real>(s.columns, aligned, [&](auto width, auto held, unsigned threads) {
            launch(norm_forward_kernel<Centred, false, Real, width, held>, {rows}, threads, stream, s.rows, s.columns,
                   x, scale, shift, y, mean, inverse);
        });
    }
}

}  // namespace

template <class Real>
void norm_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, const Real* shift,
                  Real* y, float* mean, float* inverse) {
    forward<true>(stream, shape, x, scale, shift, y, mean, inverse);
}

template <class Real>
void rms_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, Real* y,
                 float* inverse) {
    forward<false, Real>(stream, shape, x, scale, nullptr, y, nullptr, inverse);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                     \
    template void norm_forward(stream_handle, const row_shape&, const Real*, const Real*, const Real*, Real*, float*, \
                               float*);                                                                               \
    template void rms_forward(stream_handle, const row_shape&, const Real*, const Real*, Real*, float*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
