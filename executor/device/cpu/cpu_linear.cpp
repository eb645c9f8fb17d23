// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cpu/cpu_linear.hpp>

#include <executor/device/device_memory.hpp>

#include <algorithm>

#include <dlfcn.h>

namespace chimera::executor::detail {

namespace {

constexpr int residual_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;

using number = dnnl::memory::data_type;

/// [rows, columns] of a matrix whose rows, or columns if `transposed`, are `stride` elements apart.
dnnl::memory::desc matrix(number type, long rows, long columns, long stride, bool transposed = false) {
    const dnnl::memory::dims strides = transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1};
    return {{rows, columns}, type, strides};
}

// oneDNN 3 does without descriptors of operations and without a scale of what follows them, and names a type otherwise.
#if DNNL_VERSION_MAJOR >= 3
number type_of(const dnnl::memory::desc& d) { return d.get_data_type(); }
void append_gelu(dnnl::post_ops& after) { after.append_eltwise(dnnl::algorithm::eltwise_gelu_tanh, 0.f, 0.f); }

template <class... Matrices>
dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& how,
                                      const Matrices&... matrices) {
    return {engine, matrices..., how};
}
#else
number type_of(const dnnl::memory::desc& d) { return d.data_type(); }
void append_gelu(dnnl::post_ops& after) { after.append_eltwise(1.f, dnnl::algorithm::eltwise_gelu_tanh, 0.f, 0.f); }

template <class... Matrices>
dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& how,
                                      const Matrices&... matrices) {
    return {dnnl::matmul::desc(matrices...), how, engine};
}
#endif

dnnl::primitive_attr attributes(const product_form& f, const dnnl::memory::desc& result) {
    dnnl::post_ops after;
    if (f.residual) after.append_binary(dnnl::algorithm::binary_add, result);
    if (f.gelu) append_gelu(after);
    if (f.accumulate) after.append_sum(1.f);
    dnnl::primitive_attr how;
    how.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    how.set_post_ops(after);
    return how;
}

/// Returns the form of a part: terms after the first add to what those have left, bias and residual included.
product_form form_of(product_form whole, const product_part& part) {
    if (part.term > 0) whole.bias = whole.residual = false, whole.accumulate = true;
    return whole;
}

}  // namespace

void use_one_thread() {
    using setter = void (*)(int);
    static const setter set = reinterpret_cast<setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set) set(1);
}

part_product::part_product(const dnnl::engine& engine, const product_form& whole, const product_part& p)
    : stream_(engine) {
    const product_form f = form_of(whole, p);
    const auto left = matrix(f.operands, p.rows, p.terms, f.left_transposed ? f.rows : f.inner, f.left_transposed);
    const auto right =
        matrix(f.operands, p.terms, p.columns, f.right_transposed ? f.inner : f.columns, f.right_transposed);
    const auto result = matrix(f.result, p.rows, p.columns, f.columns),
               bias = matrix(f.operands, 1, p.columns, p.columns);
    const dnnl::primitive_attr with = attributes(f, result);
    const dnnl::matmul::primitive_desc how =
        f.bias ? describe(engine, with, left, right, bias, result) : describe(engine, with, left, right, result);
    primitive_ = dnnl::matmul(how);
    scratch_bytes_ = how.scratchpad_desc().get_size();
    const long corner = p.row * f.columns + p.column;
    argument(DNNL_ARG_SRC, left, f.left_transposed ? p.term * f.rows + p.row : p.row * f.inner + p.term);
    argument(DNNL_ARG_WEIGHTS, right, f.right_transposed ? p.column * f.inner + p.term : p.term * f.columns + p.column);
    argument(DNNL_ARG_DST, result, corner);
    argument(DNNL_ARG_SCRATCHPAD, how.scratchpad_desc());
    if (f.bias) argument(DNNL_ARG_BIAS, bias, p.column);
    if (f.residual) argument(residual_argument, result, corner);
}

void part_product::argument(int key, const dnnl::memory::desc& d, long offset) {
    arguments_.emplace(key, dnnl::memory(d, stream_.get_engine(), nullptr));
    offsets_.emplace(key, static_cast<std::size_t>(offset) * dnnl::memory::data_type_size(type_of(d)));
}

void part_product::set(int key, const void* whole) const {
    // oneDNN's memory objects hold pointers to non-const; it only reads the operands.
    if (const auto found = arguments_.find(key); found != arguments_.end())
        found->second.set_data_handle(static_cast<std::byte*>(const_cast<void*>(whole)) + offsets_.at(key));
}

void part_product::run(const operands& with, void* scratch) const {
    set(DNNL_ARG_SRC, with.left);
    set(DNNL_ARG_WEIGHTS, with.right);
    set(DNNL_ARG_DST, with.result);
    set(DNNL_ARG_SCRATCHPAD, scratch);
    set(DNNL_ARG_BIAS, with.bias);
    set(residual_argument, with.residual);
    primitive_.execute(stream_, arguments_);
}

matrix_product::matrix_product(const dnnl::engine& engine, const product_form& form, int threads) {
    for (const auto& parts : cut(form, threads)) {
        of_.emplace_back();
        for (const product_part& part : parts) {
            of_.back().emplace_back(engine, form, part);
            scratch_bytes_ = std::max(scratch_bytes_, aligned(of_.back().back().scratch_bytes()));
        }
    }
}

std::size_t matrix_product::scratch_bytes() const { return scratch_bytes_ * of_.size(); }

void matrix_product::run(team& by, const operands& with, std::byte* scratch) const {
    const auto one = [&](std::size_t thread) {
        for (const part_product& part : of_[thread]) part.run(with, scratch + thread * scratch_bytes_);
    };
    if (of_.size() == 1) return one(0);
    by.run([&](int i) {
        const auto thread = static_cast<std::size_t>(i);
        if (thread < of_.size()) one(thread);
    });
}

linear_primitives::linear_primitives(const dnnl::engine& engine, const linear_shape& s, number real, int threads)
    : shape(s) {
    const bool t = s.transposed;
    const product_form out{
        .rows = s.rows, .columns = s.outputs, .inner = s.inputs, .right_transposed = t, .operands = real};
    for (const bool bias : {false, true})
        for (const bool residual : {false, true}) {
            product_form f = out;
            f.bias = bias, f.residual = residual;
            forward[bias][residual] = {engine, f, threads};
        }
    product_form active = out;
    active.bias = active.gelu = true;
    gelu = {engine, active, threads};
    input = {engine,
             {.rows = s.rows, .columns = s.inputs, .inner = s.outputs, .right_transposed = !t, .operands = real},
             threads};
    for (const bool add : {false, true})
        weight[add] = {engine,
                       {.rows = t ? s.outputs : s.inputs,
                        .columns = t ? s.inputs : s.outputs,
                        .inner = s.rows,
                        .left_transposed = true,
                        .accumulate = add,
                        .operands = real,
                        .result = number::f32},
                       threads};
}

std::size_t linear_primitives::scratch_bytes() const {
    std::size_t most = 0;
    for (const auto* p :
         {&forward[0][0], &forward[0][1], &forward[1][0], &forward[1][1], &gelu, &input, &weight[0], &weight[1]})
        most = std::max(most, p->scratch_bytes());
    return most;
}

}  // namespace chimera::executor::detail
