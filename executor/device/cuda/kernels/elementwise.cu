// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/elementwise.cuh>

namespace chimera::executor::gpu {

template <class Real>
void fill(stream_handle stream, Real* y, float value, std::size_t n) {
    launch_each<lanes<Real>>(stream, n, wide<1>(0, y), fill_work<Real>{y, value});
}

template <class To, class From>
void cast(stream_handle stream, To* y, const From* x, std::size_t n) {
    constexpr int width = lanes < To >> lanes<From> ? lanes<To> : lanes<From>;
    launch_each<width>(stream, n, wide<1>(0, y, x), cast_work<To, From>{y, x});
}

template <class Real>
void add(stream_handle stream, Real* y, const Real* x, std::size_t n) {
    launch_each<lanes<Real>>(stream, n, wide<1>(0, y, x), add_work<Real>{y, x});
}

template <class Real>
void scale(stream_handle stream, Real* y, float factor, std::size_t n) {
    launch_each<lanes<Real>>(stream, n, wide<1>(0, y), scale_work<Real>{y, factor});
}

template <class Real>
void gelu_forward(stream_handle stream, const Real* x, Real* y, std::size_t n) {
    launch_each<lanes<Real>>(stream, n, wide<1>(0, x, y), gelu_work<Real>{x, y});
}

template <class Real>
void gelu_backward(stream_handle stream, const Real* x, const Real* dy, Real* dx, std::size_t n) {
    launch_each<lanes<Real>>(stream, n, wide<1>(0, x, dy, dx), gelu_backward_work<Real>{x, dy, dx});
}

template <class Real>
void swiglu_forward(stream_handle stream, const row_shape& shape, const Real* x, Real* y) {
    launch_each_in_row<lanes<Real>>(stream, size(shape.rows), shape.columns,
                                    wide<lanes<Real>>(size(shape.columns), x, y),
                                    swiglu_work<Real>{x, y, shape.columns});
}

template <class Real>
void swiglu_backward(stream_handle stream, const row_shape& shape, const Real* x, const Real* dy, Real* dx) {
    launch_each_in_row<lanes<Real>>(stream, size(shape.rows), shape.columns,
                                    wide<lanes<Real>>(size(shape.columns), x, dy, dx),
                                    swiglu_backward_work<Real>{x, dy, dx, shape.columns});
}

#define CHIMERA_INSTANTIATE(Real)                                                             \
    template void fill(stream_handle, Real*, float, std::size_t);                             \
    template void cast(stream_handle, Real*, const float*, std::size_t);                      \
    template void cast(stream_handle, Real*, const bf16*, std::size_t);                       \
    template void add(stream_handle, Real*, const Real*, std::size_t);                        \
    template void scale(stream_handle, Real*, float, std::size_t);                            \
    template void gelu_forward(stream_handle, const Real*, Real*, std::size_t);               \
    template void gelu_backward(stream_handle, const Real*, const Real*, Real*, std::size_t); \
    template void swiglu_forward(stream_handle, const row_shape&, const Real*, Real*);        \
    template void swiglu_backward(stream_handle, const row_shape&, const Real*, const Real*, Real*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
