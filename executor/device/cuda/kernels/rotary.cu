// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/rotary.cuh>

namespace chimera::executor::gpu {

namespace {
template <class Real>
void rotate(stream_handle stream, const attention_shape& s, float direction, const float* table, Real* qkv) {
    const int half = s.head_size() / 2;
    launch_each_in_row<lanes<Real>>(stream, size(s.rows()), s.channels, wide<lanes<Real>>(size(half), table, qkv),
                                    rotary_work<Real>{s.tokens, half, s.channels, direction, table, qkv});
}
}  // namespace

void rotary_table(stream_handle stream, int tokens, int head_size, double base, float* table) {
    const int half = head_size / 2;
    launch_each<1>(stream, size(tokens) * size(half), true, rotary_table_work{half, base, table});
}

template <class Real>
void rotary_forward(stream_handle stream, const attention_shape& shape, const float* table, Real* qkv) {
    rotate(stream, shape, 1, table, qkv);
}

template <class Real>
void rotary_backward(stream_handle stream, const attention_shape& shape, const float* table, Real* d_qkv) {
    rotate(stream, shape, -1, table, d_qkv);
}

template void rotary_forward(stream_handle, const attention_shape&, const float*, float*);
template void rotary_forward(stream_handle, const attention_shape&, const float*, bf16*);
template void rotary_backward(stream_handle, const attention_shape&, const float*, float*);
template void rotary_backward(stream_handle, const attention_shape&, const float*, bf16*);

}  // namespace chimera::executor::gpu
