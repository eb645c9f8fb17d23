// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/norm_backward.cuh>

#include <executor/device/cuda/kernels/rows.cuh>

namespace chimera::executor::gpu {

namespace {

template <class Real>
bool aligned(const row_shape& s, const norm_tensors<Real>& t) {
    return wide<lanes<Real>>(size(s.columns), t.dy, t.x, t.scale, t.residual, t.dx);
}

template <bool Centred, bool Parameters, bool Biases, class Real>
void launch_teams(stream_handle stream, const row_shape& s, const norm_tensors<Real>& t, float* partial) {
    const column_order order = column_order_of(s);
    const auto kernel = aligned(s, t) ? norm_backward_kernel<Centred, Parameters, Biases, Real, lanes<Real>>
                                      : norm_backward_kernel<Centred, Parameters, Biases, Real, 1>;
    launch(kernel, {static_cast<unsigned>(order.groups)},
           static_cast<unsigned>(32 * team_warps(s.columns) * order.ways), stream, t, s.rows, s.columns,
           order.group_rows, order.ways, partial);
}

template <bool Centred, class Real>
void backward_input(stream_handle stream, const row_shape& s, const norm_tensors<Real>& t) {
    if (s.columns <= most_team_columns) return launch_teams<Centred, false, false>(stream, s, t, nullptr);
    with_row_plan<Real>(s.columns, aligned(s, t), [&](auto width, auto held, unsigned threads) {
        launch(wide_norm_backward_kernel<Centred, Real, width, held>, {static_cast<unsigned>(s.rows)}, threads, stream,
               s.columns, t.dy, t.x, t.scale, t.mean, t.inverse, t.residual, t.dx);
    });
}

}  // namespace

template <class Real>
void norm_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                         const float* mean, const float* inverse, const Real* residual, Real* dx) {
    backward_input<true, Real>(stream, shape, {dy, x, scale, mean, inverse, residual, dx});
}

template <class Real>
void rms_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                        const float* inverse, const Real* residual, Real* dx) {
    backward_input<false, Real>(stream, shape, {dy, x, scale, nullptr, inverse, residual, dx});
}

template <class Real>
void norm_backward(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                   const float* mean, const float* inverse, const Real* residual, Real* dx,
                   const norm_gradients<float>& to, void* workspace) {
    const norm_tensors<Real> t{dy, x, scale, mean, inverse, residual, dx};
    if (shape.columns > most_team_columns) {
        norm_backward_parameters(stream, shape, dy, x, mean, inverse, to.scale, to.shift, to.add, workspace);
        if (to.residual) column_sums(stream, shape, residual, to.residual, to.add, workspace);
        backward_input<true>(stream, shape, t);
        if (to.dx) column_sums(stream, shape, static_cast<const Real*>(dx), to.dx, to.add, workspace);
        return;
    }
    auto* const partial = static_cast<float*>(workspace);
    const bool biases = to.residual || to.dx;
    biases ? launch_teams<true, true, true>(stream, shape, t, partial)
           : launch_teams<true, true, false>(stream, shape, t, partial);
    launch_total(stream, shape, partial, biases ? 4 : 2, {to.scale, to.shift, to.residual, to.dx}, to.add);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                     \
    template void norm_backward_input(stream_handle, const row_shape&, const Real*, const Real*, const Real*,         \
                                      const float*, const float*, const Real*, Real*);                                \
    template void rms_backward_input(stream_handle, const row_shape&, const Real*, const Real*, const Real*,          \
                                     const float*, const Real*, Real*);                                               \
    template void norm_backward(stream_handle, const row_shape&, const Real*, const Real*, const Real*, const float*, \
                                const float*, const Real*, Real*, const norm_gradients<float>&, void*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
