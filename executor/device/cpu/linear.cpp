// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cpu/linear.hpp"

#include <algorithm>

#include <dlfcn.h>

namespace chimera::executor::detail {

namespace {

constexpr int residual_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;

dnnl::memory::desc matrix(long rows, long columns, bool transposed) {
    const dnnl::memory::dims strides = transposed ? dnnl::memory::dims{1, rows} : dnnl::memory::dims{columns, 1};
    return {{rows, columns}, dnnl::memory::data_type::f32, strides};
}

dnnl::primitive_attr attributes(const matrix_product::form& f) {
    dnnl::post_ops after;
    if (f.residual) after.append_binary(dnnl::algorithm::binary_add, matrix(f.rows, f.columns, false));
    if (f.gelu) after.append_eltwise(1.f, dnnl::algorithm::eltwise_gelu_tanh, 0.f, 0.f);
    if (f.accumulate) after.append_sum(1.f);
    dnnl::primitive_attr result;
    result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    result.set_post_ops(after);
    return result;
}

}  // namespace

void use_one_thread() {
    using setter = void (*)(int);
    static const setter set = reinterpret_cast<setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set) set(1);
}

matrix_product::matrix_product(const dnnl::engine& engine, const form& f) {
    const auto left = matrix(f.rows, f.inner, f.left_transposed),
               right = matrix(f.inner, f.columns, f.right_transposed);
    const auto result = matrix(f.rows, f.columns, false), bias = matrix(1, f.columns, false);
    const dnnl::matmul::desc what =
        f.bias ? dnnl::matmul::desc(left, right, bias, result) : dnnl::matmul::desc(left, right, result);
    const dnnl::matmul::primitive_desc how(what, attributes(f), engine);
    primitive_ = dnnl::matmul(how);
    scratch_bytes_ = how.scratchpad_desc().get_size();
    const auto argument = [&](int key, const dnnl::memory::desc& d) {
        arguments_.emplace(key, dnnl::memory(d, engine, nullptr));
    };
    argument(DNNL_ARG_SRC, left);
    argument(DNNL_ARG_WEIGHTS, right);
    argument(DNNL_ARG_DST, result);
    argument(DNNL_ARG_SCRATCHPAD, how.scratchpad_desc());
    if (f.bias) argument(DNNL_ARG_BIAS, bias);
    if (f.residual) argument(residual_argument, result);
}

void matrix_product::run(const dnnl::stream& stream, const float* left, const float* right, float* result,
                         void* scratch, const float* bias, const float* residual) const {
    // oneDNN's memory objects hold pointers to non-const; it only reads the operands.
    const auto set = [&](int key, const void* data) { arguments_.at(key).set_data_handle(const_cast<void*>(data)); };
    set(DNNL_ARG_SRC, left);
    set(DNNL_ARG_WEIGHTS, right);
    set(DNNL_ARG_DST, result);
    set(DNNL_ARG_SCRATCHPAD, scratch);
    if (bias) set(DNNL_ARG_BIAS, bias);
    if (residual) set(residual_argument, residual);
    primitive_.execute(stream, arguments_);
}

linear_primitives::linear_primitives(const dnnl::engine& engine, const linear_shape& s) : shape(s) {
    const bool t = s.transposed;
    for (const bool bias : {false, true})
        for (const bool residual : {false, true})
            forward[bias][residual] = {engine,
                                       {.rows = s.rows,
                                        .columns = s.outputs,
                                        .inner = s.inputs,
                                        .right_transposed = t,
                                        .bias = bias,
                                        .residual = residual}};
    gelu = {
        engine,
        {.rows = s.rows, .columns = s.outputs, .inner = s.inputs, .right_transposed = t, .bias = true, .gelu = true}};
    input = {engine, {.rows = s.rows, .columns = s.inputs, .inner = s.outputs, .right_transposed = !t}};
    for (const bool add : {false, true})
        weight[add] = {engine,
                       {.rows = t ? s.outputs : s.inputs,
                        .columns = t ? s.inputs : s.outputs,
                        .inner = s.rows,
                        .left_transposed = true,
                        .accumulate = add}};
}

std::size_t linear_primitives::scratch_bytes() const {
    std::size_t most = 0;
    for (const auto* p :
         {&forward[0][0], &forward[0][1], &forward[1][0], &forward[1][1], &gelu, &input, &weight[0], &weight[1]})
        most = std::max(most, p->scratch_bytes());
    return most;
}

}  // namespace chimera::executor::detail
