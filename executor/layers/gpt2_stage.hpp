// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cpu/cpu.hpp>
#include <executor/layers/gpt2_core.hpp>
#include <executor/layers/model_stage.hpp>

namespace chimera::executor {

/// A stage of GPT-2 as engine and trainer see it. Buffers come from the engine, on 64-byte boundaries.
template <Device D>
class gpt2_stage final : public model_stage {
public:
    using real = typename D::real;

    gpt2_stage(D& device, const gpt2_sizes& config, const layer_range& range, const unit_shape& unit,
               std::uint64_t seed)
        : device_(device), core_(device, config, range, unit, seed) {}

    std::size_t input_bytes() const override { return core_.input_size() * sizeof(real); }
    std::size_t output_bytes() const override { return core_.output_size() * sizeof(real); }
    std::size_t stash_bytes(bool recomputed) const override { return core_.stash_size(recomputed) * sizeof(real); }

    void forward(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        core_.forward(unit, reals(stash), reals(input), reals(output));
    }
    void forward_light(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        core_.forward_light(unit, reals(stash), reals(input), reals(output));
    }
    void prepare_light() override { core_.prepare_light(); }
    void recompute(int unit, const std::byte* light, std::byte* full) override {
        core_.recompute(unit, reals(light), reals(full));
    }
    void backward(int unit, std::byte* stash, const std::byte* output_gradient, std::byte* input_gradient) override {
        core_.backward(unit, reals(stash), reals(output_gradient), reals(input_gradient));
    }
    void input_gradient(int unit, std::byte* stash, const std::byte* output_gradient,
                        std::byte* input_gradient) override {
        core_.input_gradient(unit, reals(stash), reals(output_gradient), reals(input_gradient));
    }
    void weight_gradient(int unit, std::byte* stash) override { core_.weight_gradient(unit, reals(stash)); }
    void clear_gradients() override { core_.clear_gradients(); }
    std::span<float> gradients() override { return core_.gradients(); }
    void zero_gradients() override { core_.zero_gradients(); }
    void update() override { core_.update(); }
    void keep_versions(int count) override { core_.keep_versions(count); }
    void select_version(int version) override { core_.select_version(version); }
    void update_version(int from, int to) override {
        core_.update_version(static_cast<std::size_t>(from), static_cast<std::size_t>(to));
    }

    void set_batch(std::span<const unit_batch> units) override { core_.set_batch(units); }
    std::span<const double> losses() override { return core_.losses(); }
    void evaluate(int unit, const std::byte* input, std::byte* output) override {
        core_.evaluate(unit, reals(input), reals(output));
        device_.finish();
    }
    double gradient_square_sum() override { return core_.gradient_square_sum(); }
    void set_step(const adamw_step& step) override { core_.set_step(step); }
    double* numbers(std::size_t count) override { return core_.numbers(count); }
    void gradient_square_sum(double* to) override { core_.gradient_square_sum(to); }
    void set_steps(std::span<const adamw_step> each) override { core_.set_steps(each); }
    void clip(const norm_limit& by, int update) override { core_.clip(by, update); }
    void read(const double* from, std::span<double> to) override { device_.download(to.data(), from, to.size_bytes()); }
    std::span<const parameter> tensors() const override { return core_.tensors(); }
    std::span<float> in_place(const parameter& p, stored what) override {
        if constexpr (D::on_host && !has_master<D>)
            return {core_.place(p, what), p.size};
        else
            return {};
    }
    void read(const parameter& p, stored what, std::span<float> to) override { core_.read(p, what, to); }
    void write(const parameter& p, stored what, std::span<const float> from) override { core_.write(p, what, from); }

    /// Batches, losses, parameters and the optimiser's settings: see gpt2_core.
    gpt2_core<D>& core() { return core_; }

private:
    static real* reals(std::byte* p) { return reinterpret_cast<real*>(p); }
    static const real* reals(const std::byte* p) { return reinterpret_cast<const real*>(p); }

    D& device_;
    gpt2_core<D> core_;
};

extern template class gpt2_core<cpu_device>;
extern template class gpt2_core<cpu_device_in<bf16>>;
extern template class gpt2_stage<cpu_device>;
extern template class gpt2_stage<cpu_device_in<bf16>>;

}  // namespace chimera::executor
