// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/kernels/cross_entropy.cuh"

namespace chimera::executor::gpu {

template <class Real>
void cross_entropy_forward(stream_handle stream, const row_shape& shape, const Real* logits,
                           const std::int32_t* targets, float* losses, float* log_sum) {
    launch(cross_entropy_forward_kernel<Real>, {static_cast<unsigned>(shape.rows)},
           threads_for(size(shape.columns) / lanes<Real> + 1, row_threads), stream, shape.columns, logits, targets,
           losses, log_sum);
}

template <class Real>
void cross_entropy_backward(stream_handle stream, const row_shape& shape, Real* logits, const std::int32_t* targets,
                            const float* log_sum, float factor) {
    launch(cross_entropy_backward_kernel<Real>, {static_cast<unsigned>(shape.rows)},
           threads_for(size(shape.columns) / lanes<Real> + 1, row_threads), stream, shape.columns, logits, targets,
           log_sum, factor);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                   \
    template void cross_entropy_forward(stream_handle, const row_shape&, const Real*, const std::int32_t*, float*,  \
                                        float*);                                                                    \
    template void cross_entropy_backward(stream_handle, const row_shape&, Real*, const std::int32_t*, const float*, \
                                         float);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
