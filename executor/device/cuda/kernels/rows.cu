// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/kernels/columns.cuh"
#include "executor/device/cuda/kernels/rows.cuh"

namespace chimera::executor::gpu {

namespace {

template <bool Centred, class Real>
void forward(stream_handle stream, const row_shape& s, const Real* x, const Real* scale, const Real* shift, Real* y,
             float* mean, float* inverse) {
    with_row_plan<Real>(s.columns, wide<lanes<Real>>(size(s.columns), x, scale, shift, y),
                        [&](auto width, auto held, unsigned threads) {
                            launch(norm_forward_kernel<Centred, Real, width, held>, {static_cast<unsigned>(s.rows)},
                                   threads, stream, s.columns, x, scale, shift, y, mean, inverse);
                        });
}

template <bool Centred, class Real>
void backward_input(stream_handle stream, const row_shape& s, const Real* dy, const Real* x, const Real* scale,
                    const float* mean, const float* inverse, const Real* residual, Real* dx) {
    with_row_plan<Real>(s.columns, wide<lanes<Real>>(size(s.columns), dy, x, scale, residual, dx),
                        [&](auto width, auto held, unsigned threads) {
                            launch(norm_backward_input_kernel<Centred, Real, width, held>,
                                   {static_cast<unsigned>(s.rows)}, threads, stream, s.columns, dy, x, scale, mean,
                                   inverse, residual, dx);
                        });
}

}  // namespace

template <class Real>
void norm_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, const Real* shift,
                  Real* y, float* mean, float* inverse) {
    forward<true>(stream, shape, x, scale, shift, y, mean, inverse);
}

template <class Real>
void norm_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                         const float* mean, const float* inverse, const Real* residual, Real* dx) {
    backward_input<true>(stream, shape, dy, x, scale, mean, inverse, residual, dx);
}

template <class Real>
void norm_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                              const float* mean, const float* inverse, float* d_scale, float* d_shift, bool add,
                              void* workspace) {
    launch_columns<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy, x),
                                norm_work<true, Real>{dy, x, mean, inverse, shape.columns}, d_scale, d_shift, add,
                                workspace);
}

template <class Real>
void rms_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, Real* y,
                 float* inverse) {
    forward<false, Real>(stream, shape, x, scale, nullptr, y, nullptr, inverse);
}

template <class Real>
void rms_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                        const float* inverse, const Real* residual, Real* dx) {
    backward_input<false>(stream, shape, dy, x, scale, nullptr, inverse, residual, dx);
}

template <class Real>
void rms_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                             const float* inverse, float* d_scale, bool add, void* workspace) {
    launch_columns<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy, x),
                                norm_work<false, Real>{dy, x, nullptr, inverse, shape.columns}, d_scale, nullptr, add,
                                workspace);
}

template <class Real>
void column_sums(stream_handle stream, const row_shape& shape, const Real* dy, float* sums, bool add, void* workspace) {
    launch_columns<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy),
                                bias_work<Real>{dy, shape.columns}, sums, nullptr, add, workspace);
}

std::size_t columns_workspace(const row_shape& shape) {
    return 2 * size(column_groups(shape)) * size(shape.columns) * sizeof(float);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                     \
    template void norm_forward(stream_handle, const row_shape&, const Real*, const Real*, const Real*, Real*, float*, \
                               float*);                                                                               \
    template void norm_backward_input(stream_handle, const row_shape&, const Real*, const Real*, const Real*,         \
                                      const float*, const float*, const Real*, Real*);                                \
    template void norm_backward_parameters(stream_handle, const row_shape&, const Real*, const Real*, const float*,   \
                                           const float*, float*, float*, bool, void*);                                \
    template void rms_forward(stream_handle, const row_shape&, const Real*, const Real*, Real*, float*);              \
    template void rms_backward_input(stream_handle, const row_shape&, const Real*, const Real*, const Real*,          \
                                     const float*, const Real*, Real*);                                               \
    template void rms_backward_parameters(stream_handle, const row_shape&, const Real*, const Real*, const float*,    \
                                          float*, bool, void*);                                                       \
    template void column_sums(stream_handle, const row_shape&, const Real*, float*, bool, void*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
