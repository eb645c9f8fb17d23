// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/columns.cuh>

namespace chimera::executor::gpu {

template <class Real>
void norm_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                              const float* mean, const float* inverse, float* d_scale, float* d_shift, bool add,
                              void* workspace) {
    auto* const partial = static_cast<float*>(workspace);
    launch_partial<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy, x),
                                norm_work<true, Real>{dy, x, mean, inverse, shape.columns}, partial);
    launch_total(stream, shape, partial, 2, {d_scale, d_shift}, add);
}

template <class Real>
void rms_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                             const float* inverse, float* d_scale, bool add, void* workspace) {
    auto* const partial = static_cast<float*>(workspace);
    launch_partial<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy, x),
                                norm_work<false, Real>{dy, x, nullptr, inverse, shape.columns}, partial);
    launch_total(stream, shape, partial, 1, {d_scale}, add);
}

template <class Real>
void column_sums(stream_handle stream, const row_shape& shape, const Real* dy, float* sums, bool add, void* workspace) {
    auto* const partial = static_cast<float*>(workspace);
    launch_partial<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), dy),
                                bias_work<Real>{dy, shape.columns}, partial);
    launch_total(stream, shape, partial, 1, {sums}, add);
}

template <class Real>
void gelu_backward(stream_handle stream, const row_shape& shape, const Real* x, const Real* dy, Real* dx, float* sums,
                   bool add, void* workspace) {
    auto* const partial = static_cast<float*>(workspace);
    launch_partial<lanes<Real>>(stream, shape, wide<lanes<Real>>(size(shape.columns), x, dy, dx),
                                gelu_backward_columns_work<Real>{x, dy, dx, shape.columns}, partial);
    if (sums) launch_total(stream, shape, partial, 1, {sums}, add);
}

std::size_t columns_workspace(const row_shape& shape, int sums) {
    return size(sums) * size(column_order_of(shape).groups) * size(shape.columns) * sizeof(float);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                   \
    template void norm_backward_parameters(stream_handle, const row_shape&, const Real*, const Real*, const float*, \
                                           const float*, float*, float*, bool, void*);                              \
    template void rms_backward_parameters(stream_handle, const row_shape&, const Real*, const Real*, const float*,  \
                                          float*, bool, void*);                                                     \
    template void column_sums(stream_handle, const row_shape&, const Real*, float*, bool, void*);                   \
    template void gelu_backward(stream_handle, const row_shape&, const Real*, const Real*, Real*, float*, bool, void*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
