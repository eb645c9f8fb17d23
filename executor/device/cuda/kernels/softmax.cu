// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/softmax.cuh>

#include <algorithm>

namespace chimera::executor::gpu {

namespace {
template <class Score, class Real>
inline constexpr int both_lanes = std::max(lanes<Score>, lanes<Real>);
}  // namespace

template <class Score, class Real>
void softmax_forward(stream_handle stream, int matrices, int tokens, float factor, const Score* scores, Real* p,
                     float* log_sum) {
    constexpr int most = both_lanes<Score, Real>;
    const grid rows{static_cast<unsigned>(size(matrices) * size(tokens))};
    with_row_plan<Real>(tokens, wide<most>(size(tokens), scores, p), [&](auto width, auto held, unsigned threads) {
        launch(softmax_forward_kernel<width, held, Score, Real>, rows, threads, stream, tokens, factor, scores, p,
               log_sum);
    });
}

template <class Score, class Real>
void softmax_recompute(stream_handle stream, int matrices, int tokens, float factor, const Score* scores,
                       const float* log_sum, Real* p) {
    constexpr int most = both_lanes<Score, Real>;
    launch_each_in_row<most>(stream, size(matrices) * size(tokens), tokens, wide<most>(size(tokens), scores, p),
                             softmax_recompute_work<Score, Real>{tokens, factor, scores, log_sum, p});
}

template <class Score, class Real>
void softmax_backward(stream_handle stream, int matrices, int tokens, float factor, const Real* p, const float* dots,
                      const Score* dp, Real* d_scores) {
    constexpr int most = both_lanes<Score, Real>;
    launch_each_in_row<most>(stream, size(matrices) * size(tokens), tokens, wide<most>(size(tokens), p, dp, d_scores),
                             softmax_backward_work<Score, Real>{tokens, factor, p, dots, dp, d_scores});
}

template <class Real>
void row_dots(stream_handle stream, const attention_shape& shape, const Real* dy, const Real* y, float* dots) {
    const std::size_t pairs = size(shape.rows()) * size(shape.heads);
    constexpr unsigned threads = 256;
    const auto kernel = wide<lanes<Real>>(size(shape.head_size()), dy, y) ? row_dots_kernel<lanes<Real>, Real>
                                                                          : row_dots_kernel<1, Real>;
    launch(kernel, {blocks_for(pairs * 32, threads)}, threads, stream, shape.tokens, shape.heads, shape.head_size(),
           pairs, dy, y, dots);
}

#define CHIMERA_INSTANTIATE(Score, Real)                                                                \
    template void softmax_forward(stream_handle, int, int, float, const Score*, Real*, float*);         \
    template void softmax_recompute(stream_handle, int, int, float, const Score*, const float*, Real*); \
    template void softmax_backward(stream_handle, int, int, float, const Real*, const float*, const Score*, Real*);
CHIMERA_INSTANTIATE(float, float)
CHIMERA_INSTANTIATE(bf16, bf16)
CHIMERA_INSTANTIATE(float, bf16)
#undef CHIMERA_INSTANTIATE
template void row_dots(stream_handle, const attention_shape&, const float*, const float*, float*);
template void row_dots(stream_handle, const attention_shape&, const bf16*, const bf16*, float*);

}  // namespace chimera::executor::gpu
