// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cpu/cpu.hpp"

#include "executor/device/cpu/kernels.hpp"
#include "executor/device/cpu/linear.hpp"

#include <algorithm>
#include <map>

namespace chimera::executor {

namespace detail {

struct cpu_state {
    const kernels& loops;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    std::map<linear_shape, linear_primitives> plans;
    host_memory scratch;

    explicit cpu_state(const kernels& k) : loops(k) {}
    void reserve(std::size_t bytes) {
        if (bytes > scratch.size()) scratch = host_memory(bytes);
    }
    float* floats() const { return reinterpret_cast<float*>(scratch.data()); }
};

std::span<const kernels* const> usable_kernels() {
#if defined(__x86_64__)
    static const kernels* const all[] = {&kernels_avx512, &kernels_avx2, &kernels_baseline};
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return std::span(all).subspan(avx512 ? 0 : avx2 ? 1 : 2);
#else
    static const kernels* const all[] = {&kernels_baseline};
    return all;
#endif
}

namespace {

std::size_t count(int rows, int columns) { return row_shape{rows, columns}.size(); }

}  // namespace

}  // namespace detail

cpu_device::cpu_device() : cpu_device(*detail::usable_kernels().front()) {}
cpu_device::cpu_device(const detail::kernels& loops) : state_(std::make_unique<detail::cpu_state>(loops)) {}
cpu_device::~cpu_device() = default;
cpu_device::cpu_device(cpu_device&&) noexcept = default;
cpu_device& cpu_device::operator=(cpu_device&&) noexcept = default;

const char* cpu_device::instruction_set() const { return state_->loops.name; }

std::size_t cpu_device::scratch_bytes() const { return state_->scratch.size(); }

cpu_device::linear_plan cpu_device::plan(linear_shape shape, linear_role) {
    detail::use_one_thread();
    const auto& made = state_->plans.try_emplace(shape, state_->engine, shape).first->second;
    state_->reserve(made.scratch_bytes());
    return &made;
}

cpu_device::attention_plan cpu_device::plan(attention_shape shape) {
    state_->reserve(state_->loops.attention_scratch(shape) * sizeof(real));
    return shape;
}

void cpu_device::fill(real* y, real value, std::size_t n) { std::fill_n(y, n, value); }
void cpu_device::copy(real* y, const real* x, std::size_t n) { std::copy_n(x, n, y); }
void cpu_device::add(real* y, const real* x, std::size_t n) { state_->loops.add(y, x, n); }
void cpu_device::scale(real* y, real factor, std::size_t n) { state_->loops.scale(y, factor, n); }
void cpu_device::sum_of_squares(const wide* x, std::size_t n, double* y) { *y = state_->loops.sum_of_squares(x, n); }

void cpu_device::mean_of(const wide* x, std::size_t n, double* y) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
    *y = sum / static_cast<double>(n);
}

void cpu_device::embedding_forward(const embedding_shape& shape, const std::int32_t* tokens, const real* token_table,
                                   const real* position_table, real* y) {
    state_->loops.embedding_forward(shape, tokens, token_table, position_table, y);
}

void cpu_device::embedding_backward(const embedding_shape& shape, const std::int32_t* tokens, const real* dy,
                                    wide* d_token_table, wide* d_position_table, bool add) {
    if (!add) {
        fill(d_token_table, 0, detail::count(shape.vocabulary, shape.channels));
        fill(d_position_table, 0, detail::count(shape.tokens, shape.channels));
    }
    state_->loops.embedding_backward(shape, tokens, dy, d_token_table, d_position_table);
}

void cpu_device::linear_forward(linear_plan plan, const real* x, const real* w, const real* bias, const real* residual,
                                real* y) {
    detail::use_one_thread();
    plan->forward[bias != nullptr][residual != nullptr].run(state_->stream, x, w, y, state_->scratch.data(), bias,
                                                            residual);
}

void cpu_device::linear_gelu_forward(linear_plan plan, const real* x, const real* w, const real* bias, real* before,
                                     real* y) {
    detail::use_one_thread();
    if (!before && bias) return plan->gelu.run(state_->stream, x, w, y, state_->scratch.data(), bias);
    real* inner = before ? before : y;
    linear_forward(plan, x, w, bias, nullptr, inner);
    state_->loops.gelu_forward(inner, y, detail::count(plan->shape.rows, plan->shape.outputs));
}

void cpu_device::linear_backward_input(linear_plan plan, const real* dy, const real* w, real* dx) {
    detail::use_one_thread();
    plan->input.run(state_->stream, dy, w, dx, state_->scratch.data());
}

void cpu_device::linear_gelu_backward_input(linear_plan plan, const real* dy, const real* w, const real* before,
                                            real* dx, real* room) {
    linear_backward_input(plan, dy, w, room);
    state_->loops.gelu_backward(before, room, dx, detail::count(plan->shape.rows, plan->shape.inputs));
}

void cpu_device::linear_backward_weight(linear_plan plan, const real* dy, const real* x, wide* dw, wide* db, bool add) {
    detail::use_one_thread();
    const linear_shape& s = plan->shape;
    plan->weight[add].run(state_->stream, s.transposed ? dy : x, s.transposed ? x : dy, dw, state_->scratch.data());
    if (!db) return;
    if (!add) fill(db, 0, static_cast<std::size_t>(s.outputs));
    state_->loops.add_columns({s.rows, s.outputs}, dy, db);
}

void cpu_device::gelu_backward(const real* x, const real* dy, real* dx, std::size_t n) {
    state_->loops.gelu_backward(x, dy, dx, n);
}

void cpu_device::norm_forward(const row_shape& shape, const real* x, const real* scale, const real* shift, real* y,
                              wide* mean, wide* inverse) {
    state_->loops.norm_forward(shape, x, scale, shift, y, mean, inverse);
}

void cpu_device::norm_backward_input(const row_shape& shape, const real* dy, const real* x, const real* scale,
                                     const wide* mean, const wide* inverse, const real* residual, real* dx) {
    state_->loops.norm_backward_input(shape, dy, x, scale, mean, inverse, residual, dx);
}

void cpu_device::norm_backward_parameters(const row_shape& shape, const real* dy, const real* x, const wide* mean,
                                          const wide* inverse, wide* d_scale, wide* d_shift, bool add) {
    if (!add) {
        fill(d_scale, 0, static_cast<std::size_t>(shape.columns));
        fill(d_shift, 0, static_cast<std::size_t>(shape.columns));
    }
    state_->loops.norm_backward_parameters(shape, dy, x, mean, inverse, d_scale, d_shift);
}

void cpu_device::attention_forward(const attention_plan& plan, const real* qkv, real* y, wide* log_sum) {
    state_->loops.attention_forward(plan, qkv, y, log_sum, state_->floats());
}

void cpu_device::attention_backward(const attention_plan& plan, const real* qkv, const real* y, const real* dy,
                                    const wide* log_sum, real* d_qkv) {
    state_->loops.attention_backward(plan, qkv, y, dy, log_sum, d_qkv, state_->floats());
}

void cpu_device::cross_entropy_forward(const row_shape& shape, const real* logits, const std::int32_t* targets,
                                       wide* losses, wide* log_sum) {
    state_->loops.cross_entropy_forward(shape, logits, targets, losses, log_sum);
}

void cpu_device::cross_entropy_backward(const row_shape& shape, real* logits, const std::int32_t* targets,
                                        const wide* log_sum, wide factor) {
    state_->loops.cross_entropy_backward(shape, logits, targets, log_sum, factor);
}

void cpu_device::adamw(real* values, wide*, const wide* gradients, wide* m, wide* v, std::size_t n,
                       const adamw_step& step) {
    state_->loops.adamw(values, gradients, m, v, n, step);
}

}  // namespace chimera::executor
