// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/cross_entropy.cuh>

namespace chimera::executor::gpu {

namespace {

template <class Real, class Logit>
void launch_rows(stream_handle stream, const row_shape& s, Logit* logits, const std::int32_t* targets, float* losses,
                 float factor) {
    launch(cross_entropy_kernel<Logit>, {static_cast<unsigned>(s.rows)},
           threads_for(size(s.columns) / lanes<Real> + 1, twice_threads), stream, s.columns, logits, targets, losses,
           factor);
}

}  // namespace

template <class Real>
void cross_entropy(stream_handle stream, const row_shape& shape, const Real* logits, const std::int32_t* targets,
                   float* losses) {
    launch_rows<Real>(stream, shape, logits, targets, losses, 0);
}

template <class Real>
void cross_entropy_and_gradient(stream_handle stream, const row_shape& shape, Real* logits, const std::int32_t* targets,
                                float* losses, float factor) {
    launch_rows<Real>(stream, shape, logits, targets, losses, factor);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                 \
    template void cross_entropy(stream_handle, const row_shape&, const Real*, const std::int32_t*, float*);       \
    template void cross_entropy_and_gradient(stream_handle, const row_shape&, Real*, const std::int32_t*, float*, \
                                             float);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
