// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <executor/device/cpu/cpu.hpp>
#include <executor/layers/batches.hpp>
#include <executor/layers/embedding_and_head.hpp>
#include <executor/layers/layer_passes.hpp>
#include <executor/layers/model_stage.hpp>
#include <executor/layers/training_state.hpp>

#include <optional>
#include <type_traits>

namespace chimera::executor {

/// One stage of GPT-2: the layers of a range, their parameters, gradients and moments, each kind in one contiguous
/// array. Stashes and boundary tensors are the caller's, on 64-byte boundaries. The engine and the trainer hand them
/// over as bytes, as stage and model_stage say; each pass also takes pointers to the device's own element type.
template <Device D>
class gpt2_stage final : public model_stage {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    /// Start values depend on `seed` and the parameters' names only. The device must outlive the stage.
    gpt2_stage(D& device, const gpt2_sizes& config, const layer_range& range, const unit_shape& unit,
               std::uint64_t seed);

    /// Sizes in elements of `real`.
    std::size_t input_size() const { return embedding_ ? 0 : boundary_; }
    std::size_t output_size() const { return head_ ? 0 : boundary_; }
    std::size_t stash_size(bool recomputed) const { return recomputed ? input_size() : whole_.size; }

    std::size_t input_bytes() const override { return input_size() * sizeof(real); }
    std::size_t output_bytes() const override { return output_size() * sizeof(real); }
    std::size_t stash_bytes(bool recomputed) const override { return stash_size(recomputed) * sizeof(real); }

    void forward(int unit, real* stash, const real* input, real* output) {
        run(whole_, stash, unit, input, output, next::backward);
    }
    void forward_light(int unit, real* stash, const real* input, real* output) {
        if (!embedding_) device_.copy(stash, input, boundary_);
        run(brief_, brief_memory(), unit, input, output, next::recompute);
    }
    void recompute(int unit, const real* light, real* full) { run(whole_, full, unit, light, nullptr, next::backward); }
    void backward(int unit, real* stash, const real* output_gradient, real* input_gradient) {
        walk_back(unit, stash, output_gradient, input_gradient, true, true);
    }
    void input_gradient(int unit, real* stash, const real* output_gradient, real* input_gradient) {
        walk_back(unit, stash, output_gradient, input_gradient, true, false);
    }
    void weight_gradient(int unit, real* stash) { walk_back(unit, stash, nullptr, nullptr, false, true); }

    void forward(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        forward(unit, reals(stash), reals(input), reals(output));
    }
    void forward_light(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        forward_light(unit, reals(stash), reals(input), reals(output));
    }
    /// Takes the memory that forward_light and evaluate work in.
    void prepare_light() override { brief_memory(); }
    void recompute(int unit, const std::byte* light, std::byte* full) override {
        recompute(unit, reals(light), reals(full));
    }
    void backward(int unit, std::byte* stash, const std::byte* output_gradient, std::byte* input_gradient) override {
        backward(unit, reals(stash), reals(output_gradient), reals(input_gradient));
    }
    void input_gradient(int unit, std::byte* stash, const std::byte* output_gradient,
                        std::byte* input_gradient) override {
        this->input_gradient(unit, reals(stash), reals(output_gradient), reals(input_gradient));
    }
    void weight_gradient(int unit, std::byte* stash) override { weight_gradient(unit, reals(stash)); }
    void evaluate(int unit, const std::byte* input, std::byte* output) override {
        run(brief_, brief_memory(), unit, reals(input), reals(output), next::nothing);
        device_.finish();
    }

    void set_batch(std::span<const unit_batch> units) override;
    std::span<const double> losses() override { return batch_.losses(device_); }

    void clear_gradients() override { state_.clear_gradients(); }
    /// Returns all gradients, gaps included (they stay 0). They are zeros if nothing was added since they were cleared,
    /// so ask again in every iteration instead of keeping the span. Throws chimera_error on a device whose gradients
    /// are not floats, which only tests have.
    std::span<float> gradients() override {
        if constexpr (std::is_same_v<wide, float>)
            return state_.gradients(device_);
        else
            refuse("the stage has no gradients of 32 bits (its device computes in others) read its parameters");
    }
    void zero_gradients() override { state_.zero_gradients(device_); }
    double gradient_square_sum() override { return state_.gradient_square_sum(device_); }
    void gradient_square_sum(double* to) override { state_.gradient_square_sum(device_, to); }

    void set_step(const adamw_step& step) override { state_.set_step(device_, step); }
    void set_steps(std::span<const adamw_step> each) override { state_.set_steps(device_, each); }
    double* numbers(std::size_t count) override { return state_.numbers(device_, count); }
    void clip(const norm_limit& by, int update) override { state_.clip(device_, by, static_cast<std::size_t>(update)); }
    void update() override { state_.update_version(device_, state_.current(), state_.current()); }
    void keep_versions(int count) override { state_.keep_versions(device_, count); }
    void select_version(int version) override { state_.select_version(version); }
    void update_version(int from, int to) override {
        state_.update_version(device_, static_cast<std::size_t>(from), static_cast<std::size_t>(to));
    }
    int versions() const { return state_.versions(); }

    /// The tensors in the order in which they lie in memory. The spans are of the device's memory and show the selected
    /// version.
    std::vector<parameter_view<real, wide>> parameters() { return state_.parameters(); }
    std::span<const parameter> tensors() const override { return state_.list().all(); }
    /// Returns the address of one of them in the device's memory: of the master weights, if there are any.
    wide* place(const parameter& p, stored what) { return state_.place(p, what); }
    std::span<float> in_place(const parameter& p, stored what) override {
        if constexpr (D::on_host && !has_master<D> && std::is_same_v<wide, float>)
            return {place(p, what), p.size};
        else
            return {};
    }
    void read(const double* from, std::span<double> to) override { device_.download(to.data(), from, to.size_bytes()); }
    void read(const parameter& p, stored what, std::span<float> to) override { state_.read(device_, p, what, to); }
    /// A weight that is written is rounded to `real`, and read as it was written.
    void write(const parameter& p, stored what, std::span<const float> from) override {
        state_.write(device_, p, what, from);
    }

private:
    /// The beginning of each layer's part of a stash. `brief`: two blocks take turns, as no backward follows.
    struct places {
        std::size_t embedding = 0, blocks = 0, stride = 0, turns = 0, head = 0, size = 0;
        std::size_t block(std::size_t i) const { return blocks + stride * (i % turns); }
    };

    /// Pass that follows a forward.
    enum class next : std::uint8_t { backward, recompute, nothing };

    void rehearse();
    places lay_out(std::size_t turns) const;
    real* brief_memory();
    void run(const places& p, real* stash, int unit, const real* input, real* output, next what);
    void walk_back(int unit, real* stash, const real* output_gradient, real* input_gradient, bool inputs, bool weights);
    static real* array(const typename D::memory& m) { return reinterpret_cast<real*>(m.data()); }
    static real* reals(std::byte* p) { return reinterpret_cast<real*>(p); }
    static const real* reals(const std::byte* p) { return reinterpret_cast<const real*>(p); }

    D& device_;
    gpt2_sizes config_;
    unit_shape unit_;
    std::size_t boundary_;
    std::optional<embedding<D>> embedding_;
    std::vector<block<D>> blocks_;
    std::optional<head<D>> head_;
    places whole_, brief_;
    typename D::memory work_, brief_memory_;
    training_state<D> state_;
    batches<D> batch_;
};

template <Device D>
gpt2_stage<D>::gpt2_stage(D& device, const gpt2_sizes& config, const layer_range& range, const unit_shape& unit,
                          std::uint64_t seed)
    : device_(device), config_(config), unit_(unit), boundary_(unit.size(config.channels)) {
    check(config);
    if (unit.sequences < 1 || unit.tokens < 1 || unit.tokens > config.context)
        refuse("units of " + std::to_string(unit.sequences) + " sequences of " + std::to_string(unit.tokens) +
               " tokens (the model's context is " + std::to_string(config.context) + ") choose 1 to context tokens");
    parameter_list list(granule<D>);
    if (range.embedding) embedding_.emplace(config, unit, list);
    for (int i = range.first; i < range.last; ++i) blocks_.emplace_back(device, config, i, unit, list);
    if (range.head) head_.emplace(device, config, unit, list);
    whole_ = lay_out(std::max<std::size_t>(1, blocks_.size()));
    brief_ = lay_out(2);
    work_ = device.allocate(std::max(boundary_, blocks_.empty() ? 0 : blocks_[0].work_size()) * sizeof(real));
    state_.start(device, std::move(list), seed);
    if constexpr (!D::on_host) rehearse();
}

/// Every operation once, on zeros, in every way in which it is ever called, and nothing of it stays: what a device
/// prepares when it is first asked (code, scratch memory) it prepares now. Later another worker can be waiting for it:
/// a GPU may load code only when all that runs on it has ended, and a message that is waited for runs (CUDA Programming
/// Guide, Lazy Loading).
template <Device D>
void gpt2_stage<D>::rehearse() {
    const std::vector<std::int32_t> zeros(unit_.size(1));
    const unit_batch one{zeros, zeros};
    set_batch({&one, 1});
    const auto stash = device_.allocate(whole_.size * sizeof(real));
    const auto input = device_.allocate(input_size() * sizeof(real)),
               output = device_.allocate(output_size() * sizeof(real));
    real *const s = array(stash), *const in = array(input), *const out = array(output);
    for (int i = 0; i < 2; ++i) {  // the second adds to the gradients
        forward(0, s, in, out);
        backward(0, s, out, in);
    }
    recompute(0, in, s);
    input_gradient(0, s, out, in);
    weight_gradient(0, s);
    run(brief_, s, 0, in, out, next::recompute);
    run(brief_, s, 0, in, out, next::nothing);
    losses();
    zero_gradients();
    gradient_square_sum();
    set_step({.learning_rate = 0});
    double* const sums = numbers(2);
    clip({.squares = sums, .norm = sums + 1}, 0);
    update();  // all moments stay 0, and a rate of 0 moves nothing
    set_step({});
    clear_gradients();
    set_batch({});
    device_.settle();
}

template <Device D>
auto gpt2_stage<D>::lay_out(std::size_t turns) const -> places {
    places p;
    layout l(granule<D>);
    p.embedding = l.take(embedding_ ? embedding_->stash_size() : 0);
    p.stride = blocks_.empty() ? 0 : blocks_[0].stash_size();
    p.turns = turns;
    p.blocks = l.take(p.stride * std::min(turns, blocks_.size()));
    p.head = l.take(head_ ? head_->stash_size() : 0);
    p.size = l.size();
    return p;
}

template <Device D>
auto gpt2_stage<D>::brief_memory() -> real* {
    if (brief_memory_.size() == 0)
        brief_memory_ = device_.allocate(std::max<std::size_t>(1, brief_.size) * sizeof(real));
    return array(brief_memory_);
}

template <Device D>
void gpt2_stage<D>::set_batch(std::span<const unit_batch> units) {
    const auto test = [&](std::span<const std::int32_t> numbers, const char* what) {
        if (numbers.size() != unit_.size(1))
            refuse("a unit has " + std::to_string(numbers.size()) + " " + what + " (its shape asks for " +
                   std::to_string(unit_.size(1)) + ") cut the data into whole units");
        for (const std::int32_t n : numbers)
            if (n < 0 || n >= config_.vocabulary)
                refuse(std::string(what) + " contain " + std::to_string(n) + " (the vocabulary has " +
                       std::to_string(config_.vocabulary) + " entries) use the tokeniser the model was made for");
    };
    for (const unit_batch& u : units) {
        if (embedding_) test(u.tokens, "tokens");
        if (head_) test(u.targets, "targets");
    }
    batch_.set(device_, units, unit_.size(1), embedding_.has_value(), head_.has_value());
}

template <Device D>
void gpt2_stage<D>::run(const places& p, real* stash, int unit, const real* input, real* output, next what) {
    const real* values = state_.values();
    // Returns the address of the input of layer i; the head or the boundary follows the last block.
    const auto port = [&](std::size_t i) {
        if (i < blocks_.size()) return blocks_[i].input(stash + p.block(i));
        if (head_) return head_->input(stash + p.head);
        return output ? output : array(work_);  // recompute: nobody asks for the output again
    };
    if (embedding_)
        embedding_->forward(device_, values, batch_.tokens(unit), port(0));
    else
        device_.copy(port(0), input, boundary_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        blocks_[i].forward(device_, values, stash + p.block(i), port(i + 1), what != next::nothing);
        count_layer_pass();
    }
    if (head_)
        head_->forward(device_, values, stash + p.head, batch_.targets(unit), batch_.loss(unit),
                       what == next::backward);
}

template <Device D>
void gpt2_stage<D>::walk_back(int unit, real* stash, const real* output_gradient, real* input_gradient, bool inputs,
                              bool weights) {
    const real* values = state_.values();
    wide* gradients = state_.raw_gradients();
    const bool add = state_.adding();
    // Returns the address for the gradient of layer i's input: of the layer before it, or outside the stage.
    const auto port = [&](std::size_t i) {
        if (i > 0) return blocks_[i - 1].output_gradient(stash + whole_.block(i - 1));
        return embedding_ ? embedding_->output_gradient(stash + whole_.embedding) : input_gradient;
    };
    if (head_) {
        real* s = stash + whole_.head;
        if (inputs && weights)
            head_->backward(device_, values, s, port(blocks_.size()), gradients, add);
        else if (inputs)
            head_->input_gradient(device_, values, s, port(blocks_.size()));
        else
            head_->weight_gradient(device_, s, gradients, add);
    } else if (inputs) {
        device_.copy(port(blocks_.size()), output_gradient, boundary_);
    }
    for (std::size_t i = blocks_.size(); i-- > 0;) {
        count_layer_pass();
        real* s = stash + whole_.block(i);
        if (inputs && weights)
            blocks_[i].backward(device_, values, s, array(work_), port(i), gradients, add);
        else if (inputs)
            blocks_[i].input_gradient(device_, values, s, array(work_), port(i));
        else
            blocks_[i].weight_gradient(device_, s, gradients, add);
    }
    if (!weights) return;
    if (embedding_) embedding_->weight_gradient(device_, stash + whole_.embedding, batch_.tokens(unit), gradients, add);
    state_.filled_gradients();
}

extern template class gpt2_stage<cpu_device>;
extern template class gpt2_stage<cpu_device_in<bf16>>;

}  // namespace chimera::executor
