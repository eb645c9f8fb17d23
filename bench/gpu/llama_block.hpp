// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data.hpp"
#include "suites.hpp"

#include <executor/layers/block.hpp>

namespace chimera::bench {

/// A LLaMA-style block on a GPU, all its memory included: y = r + mlp(norm(r)), r = x + attention(norm(x)), with RMS norms, rotary
/// positions (base 10⁴), SwiGLU, no biases (Touvron et al. 2023). Weights are [inputs, outputs]; the gate's come before the up's in one
/// matrix. Only what a measurement needs: `forward`, then `backward`, which adds to the weights' gradients in fp32.
template <class Real>
class llama_block {
public:
    using device_type = executor::cuda_device<Real>;

    llama_block(device_type& device, const llama_shape& shape, const executor::unit_shape& unit);

    /// Places of the tensors, in elements: weights and their gradients lie alike.
    struct places {
        std::size_t norm_1, attend, project, norm_2, widen, narrow, size;
    };
    const places& weights() const { return at_; }

    executor::device_memory values, gradients;  ///< Real, float [weights().size]
    executor::device_memory x, y, dy, dx;       ///< Real [rows, channels]

    void forward();
    void backward(bool add);
    /// What computes the attention.
    std::string attention_way() const { return device_.attention_way(attention_); }

private:
    using memory = executor::device_memory;
    Real* real(const memory& m) const { return elements<Real>(m); }
    Real* value(std::size_t place) const { return elements<Real>(values) + place; }
    float* gradient(std::size_t place) const { return elements<float>(gradients) + place; }

    device_type& device_;
    int channels_, hidden_;
    executor::row_shape rows_;
    executor::attention_shape heads_;
    places at_{};
    typename device_type::prepared_linear attend_, project_, widen_, narrow_;
    typename device_type::prepared_attention attention_;
    memory turns_, inverse_1_, inverse_2_, log_sum_, workspace_;
    memory normal_1_, qkv_, attended_, middle_, normal_2_, gates_, active_, d_middle_, d_narrow_;
};

template <class Real>
llama_block<Real>::llama_block(device_type& device, const llama_shape& s, const executor::unit_shape& unit)
    : device_(device), channels_(s.channels),
      hidden_(s.hidden), rows_{unit.rows(), s.channels}, heads_{unit.sequences, unit.tokens, s.heads, s.channels} {
    const auto area = [](int a, int b) { return executor::row_shape{a, b}.size(); };
    executor::layout list(executor::granule<device_type>);
    at_.norm_1 = list.take(area(1, s.channels));
    at_.attend = list.take(area(s.channels, 3 * s.channels));
    at_.project = list.take(area(s.channels, s.channels));
    at_.norm_2 = list.take(area(1, s.channels));
    at_.widen = list.take(area(s.channels, 2 * s.hidden));
    at_.narrow = list.take(area(s.hidden, s.channels));
    at_.size = list.size();

    const auto linear = [&](int inputs, int outputs) {
        return device.prepare(executor::linear_shape{unit.rows(), inputs, outputs}, executor::linear_role::bare);
    };
    attend_ = linear(s.channels, 3 * s.channels), project_ = linear(s.channels, s.channels);
    widen_ = linear(s.channels, 2 * s.hidden), narrow_ = linear(s.hidden, s.channels);
    attention_ = device.prepare(heads_);

    values = random_on(device, at_.size, 0.04F), gradients = room_on<float>(device, at_.size);
    x = random_on(device, rows_.size()), dy = random_on(device, rows_.size());
    for (memory* m : {&y, &dx, &normal_1_, &attended_, &middle_, &normal_2_, &d_middle_, &d_narrow_})
        *m = room_on<Real>(device, rows_.size());
    qkv_ = room_on<Real>(device, 3 * rows_.size());
    gates_ = room_on<Real>(device, std::max(unit.size(2 * s.hidden), 3 * rows_.size()));
    active_ = room_on<Real>(device, unit.size(s.hidden));
    for (memory* m : {&inverse_1_, &inverse_2_}) *m = room_on<float>(device, unit.size(1));
    log_sum_ = room_on<float>(device, unit.size(s.heads));
    workspace_ = device.allocate(executor::gpu::columns_workspace(rows_));
    turns_ = room_on<float>(device, area(unit.tokens, heads_.head_size()));
    executor::gpu::rotary_table(device.stream(), unit.tokens, heads_.head_size(), 1e4, elements<float>(turns_));
    device.finish();
}

template <class Real>
void llama_block<Real>::forward() {
    namespace gpu = executor::gpu;
    void* const on = device_.stream();
    gpu::rms_forward(on, rows_, real(x), value(at_.norm_1), real(normal_1_), elements<float>(inverse_1_));
    device_.linear_forward(attend_, real(normal_1_), value(at_.attend), nullptr, nullptr, real(qkv_));
    gpu::rotary_forward(on, heads_, elements<float>(turns_), real(qkv_));
    device_.attention_forward(attention_, real(qkv_), real(attended_), elements<float>(log_sum_));
    device_.linear_forward(project_, real(attended_), value(at_.project), nullptr, real(x), real(middle_));
    gpu::rms_forward(on, rows_, real(middle_), value(at_.norm_2), real(normal_2_), elements<float>(inverse_2_));
    device_.linear_forward(widen_, real(normal_2_), value(at_.widen), nullptr, nullptr, real(gates_));
    gpu::swiglu_forward(on, {rows_.rows, hidden_}, real(gates_), real(active_));
    device_.linear_forward(narrow_, real(active_), value(at_.narrow), nullptr, real(middle_), real(y));
}

/// Gradients take the place of what they make useless; the gates' memory is free again once their weights' gradient is there.
template <class Real>
void llama_block<Real>::backward(bool add) {
    namespace gpu = executor::gpu;
    void* const on = device_.stream();
    Real *const d_qkv = real(gates_), *const d_attended = real(d_narrow_), *const d_normal = real(d_narrow_);
    const auto weight = [&](auto prepared, const Real* d_out, const memory& in, std::size_t place) {
        device_.linear_backward_weight(prepared, d_out, real(in), gradient(place), nullptr, add);
    };
    weight(narrow_, real(dy), active_, at_.narrow);
    device_.linear_backward_input(narrow_, real(dy), value(at_.narrow), real(active_));
    gpu::swiglu_backward(on, {rows_.rows, hidden_}, real(gates_), real(active_), real(gates_));
    weight(widen_, real(gates_), normal_2_, at_.widen);
    device_.linear_backward_input(widen_, real(gates_), value(at_.widen), d_normal);
    gpu::rms_backward_parameters(on, rows_, d_normal, real(middle_), elements<float>(inverse_2_), gradient(at_.norm_2),
                                 add, workspace_.data());
    gpu::rms_backward_input(on, rows_, d_normal, real(middle_), value(at_.norm_2), elements<float>(inverse_2_),
                            real(dy), real(d_middle_));
    weight(project_, real(d_middle_), attended_, at_.project);
    device_.linear_backward_input(project_, real(d_middle_), value(at_.project), d_attended);
    device_.attention_backward(attention_, real(qkv_), real(attended_), d_attended, elements<float>(log_sum_), d_qkv);
    gpu::rotary_backward(on, heads_, elements<float>(turns_), d_qkv);
    weight(attend_, d_qkv, normal_1_, at_.attend);
    device_.linear_backward_input(attend_, d_qkv, value(at_.attend), d_normal);
    gpu::rms_backward_parameters(on, rows_, d_normal, real(x), elements<float>(inverse_1_), gradient(at_.norm_1), add,
                                 workspace_.data());
    gpu::rms_backward_input(on, rows_, d_normal, real(x), value(at_.norm_1), elements<float>(inverse_1_),
                            real(d_middle_), real(dx));
}

}  // namespace chimera::bench
