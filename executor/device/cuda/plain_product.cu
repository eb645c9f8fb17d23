// SPDX-License-Identifier: Apache-2.0

// A product by its definition: for forms that cuBLASLt has no algorithm for, which are odd and small.

#include <executor/device/cuda/form.hpp>
#include <executor/device/cuda/kernels/pack.cuh>
#include <executor/device/cuda/plain_product.hpp>

namespace chimera::executor::detail {

namespace {

template <class Operand, class Result>
__global__ void plain_kernel(product_form f, const Operand* left, const Operand* right, Result* result,
                             const Result* from, const Result* bias) {
    const std::int64_t each = f.rows * f.columns, at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= each * f.batch) return;
    const std::int64_t b = at / each, row = at % each / f.columns, column = at % f.columns;
    left += b * f.left_stride + row * (f.left_transposed ? 1 : f.left_step);
    right += b * f.right_stride + column * (f.right_transposed ? f.right_step : 1);
    const std::int64_t left_next = f.left_transposed ? f.left_step : 1,
                       right_next = f.right_transposed ? 1 : f.right_step;
    float sum = 0;
    for (std::int64_t k = 0; k < f.inner; ++k)
        sum += gpu::load(left + k * left_next) * gpu::load(right + k * right_next);
    const std::int64_t place = b * f.result_stride + row * f.result_step + column;
    if (f.add) sum += gpu::load(from + place);
    if (bias) sum += gpu::load(bias + column);
    gpu::store(result + place, sum);
}

template <class Operand, class Result>
void run(gpu::stream_handle stream, const product_form& f, const void* left, const void* right, void* result,
         const void* from, const void* bias) {
    constexpr unsigned threads = 256;
    const auto all = static_cast<std::size_t>(f.rows * f.columns * f.batch);
    gpu::launch(plain_kernel<Operand, Result>, {gpu::blocks_for(all, threads)}, threads, stream, f,
                static_cast<const Operand*>(left), static_cast<const Operand*>(right), static_cast<Result*>(result),
                static_cast<const Result*>(from), static_cast<const Result*>(bias));
}

}  // namespace

void plain_product(gpu::stream_handle stream, const product_form& f, const void* left, const void* right, void* result,
                   const void* from, const void* bias) {
    if (f.operands == number::float32)
        run<float, float>(stream, f, left, right, result, from, bias);
    else if (f.results == number::float32)
        run<bf16, float>(stream, f, left, right, result, from, bias);
    else
        run<bf16, bf16>(stream, f, left, right, result, from, bias);
}

}  // namespace chimera::executor::detail
