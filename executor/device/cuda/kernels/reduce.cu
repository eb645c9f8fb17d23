// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/reduce.cuh>

namespace chimera::executor::gpu {

namespace {
template <bool Squares, class Real>
void sum(stream_handle stream, const Real* x, std::size_t n, double factor, double* result, bool add, void* workspace) {
    auto* partial = static_cast<double*>(workspace);
    const unsigned blocks = sum_blocks(n);
    const auto kernel =
        wide<1>(0, x) ? sum_partial_kernel<Squares, lanes<Real>, Real> : sum_partial_kernel<Squares, 1, Real>;
    launch(kernel, {blocks}, sum_threads, stream, x, n, partial);
    launch(sum_total_kernel, {1}, sum_threads, stream, partial, blocks, factor, result, add);
}
}  // namespace

template <class Real>
void sum_of_squares(stream_handle stream, const Real* x, std::size_t n, double* result, bool add, void* workspace) {
    sum<true>(stream, x, n, 1.0, result, add, workspace);
}

void mean(stream_handle stream, const float* x, std::size_t n, double* result, void* workspace) {
    sum<false>(stream, x, n, 1.0 / static_cast<double>(n), result, false, workspace);
}

std::size_t sum_workspace(std::size_t n) { return sum_blocks(n) * sizeof(double); }

template void sum_of_squares(stream_handle, const float*, std::size_t, double*, bool, void*);
template void sum_of_squares(stream_handle, const bf16*, std::size_t, double*, bool, void*);

}  // namespace chimera::executor::gpu
