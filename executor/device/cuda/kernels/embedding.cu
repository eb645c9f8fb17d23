// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/elementwise.cuh>
#include <executor/device/cuda/kernels/embedding.cuh>

namespace chimera::executor::gpu {

namespace {

std::size_t segments(int rows) { return (size(rows) + segment_rows - 1) / segment_rows; }

/// The layout of the workspace; each part lies on a 16-byte boundary.
struct parts {
    std::size_t partial = 0, sorted, counts, end;
    explicit parts(const embedding_shape& s) {
        const auto whole = [](std::size_t bytes) { return (bytes + 15) / 16 * 16; };
        sorted = whole(segments(s.rows()) * 2 * size(s.channels) * sizeof(float));
        counts = sorted + whole(2 * size(s.rows()) * sizeof(keyed_row));
        end = counts + sort_chunks(s.rows()) * digits * sizeof(int);
    }
};

template <class Real>
void add_token_gradients(stream_handle stream, const embedding_shape& s, const std::int32_t* tokens, const Real* dy,
                         float* d_token_table, char* workspace) {
    const parts at(s);
    auto* partial = reinterpret_cast<float*>(workspace + at.partial);
    const keyed_row* sorted =
        launch_sort(stream, tokens, s.rows(), s.vocabulary, reinterpret_cast<keyed_row*>(workspace + at.sorted),
                    reinterpret_cast<int*>(workspace + at.counts));
    const segment_shape shape{sorted, s.rows(), s.channels};
    const auto blocks = static_cast<unsigned>(segments(s.rows()));
    constexpr int width = lanes<Real>;
    const bool aligned = wide<width>(size(s.channels), dy, d_token_table, partial);
    launch(aligned ? embedding_segment_kernel<width, Real> : embedding_segment_kernel<1, Real>, {blocks},
           threads_for(size(s.channels) / (aligned ? width : 1), 256), stream, shape, dy, d_token_table, partial);
    launch(embedding_border_kernel, {blocks - 1}, threads_for(size(s.channels), 256), stream, shape,
           static_cast<int>(blocks), partial, d_token_table);
}

}  // namespace

template <class Real>
void embedding_forward(stream_handle stream, const embedding_shape& shape, const std::int32_t* tokens,
                       const Real* token_table, const Real* position_table, Real* y) {
    launch_each_in_row<lanes<Real>>(
        stream, size(shape.rows()), shape.channels,
        wide<lanes<Real>>(size(shape.channels), token_table, position_table, y),
        embedding_work<Real>{shape.tokens, shape.channels, tokens, token_table, position_table, y});
}

template <class Real>
void embedding_backward(stream_handle stream, const embedding_shape& shape, const std::int32_t* tokens, const Real* dy,
                        float* d_token_table, float* d_position_table, bool add, void* workspace) {
    const std::size_t table = size(shape.vocabulary) * size(shape.channels);
    if (!add) launch_each<lanes<float>>(stream, table, wide<1>(0, d_token_table), fill_work<float>{d_token_table, 0});
    add_token_gradients(stream, shape, tokens, dy, d_token_table, static_cast<char*>(workspace));
    if (!d_position_table) return;
    const std::size_t period = size(shape.tokens) * size(shape.channels);
    launch_each<lanes<Real>>(stream, period, wide<lanes<Real>>(period, dy, d_position_table),
                             position_work<Real>{dy, d_position_table, period, shape.sequences, add});
}

std::size_t embedding_workspace(const embedding_shape& shape) { return parts(shape).end; }

#define CHIMERA_INSTANTIATE(Real)                                                                                     \
    template void embedding_forward(stream_handle, const embedding_shape&, const std::int32_t*, const Real*,          \
                                    const Real*, Real*);                                                              \
    template void embedding_backward(stream_handle, const embedding_shape&, const std::int32_t*, const Real*, float*, \
                                     float*, bool, void*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
