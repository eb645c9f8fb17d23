// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/block.hpp>

#include <algorithm>
#include <vector>

namespace chimera::executor {

/// Token plus position embedding: where the first stage begins.
template <Device D>
class embedding {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    embedding(const gpt2_sizes& c, const unit_shape& unit, parameter_list& parameters)
        : shape_{unit.sequences, unit.tokens, c.channels, c.vocabulary},
          tokens_(parameters.add("wte.weight", {c.vocabulary, c.channels}, parameter::start::normal, 0.02)),
          positions_(parameters.add("wpe.weight", {c.context, c.channels}, parameter::start::normal, 0.02)),
          unused_{row_shape{unit.tokens, c.channels}.size(), row_shape{c.context - unit.tokens, c.channels}.size()},
          dy_(stash_.take(unit.size(c.channels))) {}

    std::size_t stash_size() const { return stash_.size(); }
    real* output_gradient(real* stash) const { return stash + dy_; }

    void forward(D& device, const real* values, const std::int32_t* tokens, real* y) const {
        device.embedding_forward(shape_, tokens, values + tokens_, values + positions_, y);
    }
    void weight_gradient(D& device, const real* stash, const std::int32_t* tokens, wide* gradients, bool add) const {
        device.embedding_backward(shape_, tokens, stash + dy_, gradients + tokens_, gradients + positions_, add);
        if (!add) device.fill(gradients + positions_ + unused_.first, 0, unused_.second);  // positions beyond the unit
    }

private:
    embedding_shape shape_;
    std::size_t tokens_, positions_;
    std::pair<std::size_t, std::size_t> unused_;
    layout stash_{granule<D>};
    std::size_t dy_;
};

/// Columns that the logits of a vocabulary get. Matrix products of a GPU want multiples of 64; those beyond the
/// vocabulary get weights of 0, and logits so low that no softmax sees them: no loss, no gradient.
template <Device D>
constexpr int logit_columns(int vocabulary) {
    return D::on_host ? vocabulary : (vocabulary + 63) / 64 * 64;
}

/// Final norm, language-model head without bias, cross-entropy: where the last stage ends.
template <Device D>
class head {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    head(D& device, const gpt2_sizes& c, const unit_shape& unit, parameter_list& parameters)
        : logits_shape_{unit.rows(), logit_columns<D>(c.vocabulary)},
          norm_("ln_f", c.channels, unit, parameters, stash_),
          prepared_(device.prepare(linear_shape{unit.rows(), c.channels, logits_shape_.columns, true},
                                   logits_shape_.columns > c.vocabulary ? linear_role::biased : linear_role::bare)),
          weight_(parameters.add("lm_head.weight", {c.vocabulary, c.channels}, parameter::start::normal, 0.02,
                                 row_shape{logits_shape_.columns, c.channels}.size())) {
        for (std::size_t* at : {&x_, &normal_, &d_normal_}) *at = stash_.take(unit.size(c.channels));
        losses_ = take_wide<D>(stash_, unit.size(1));
        logits_ = stash_.take(logits_shape_.size());
        if (logits_shape_.columns > c.vocabulary) exclude(device, c.vocabulary);
    }

    std::size_t stash_size() const { return stash_.size(); }
    real* input(real* stash) const { return stash + x_; }

    /// `loss`, in the device's memory: mean over the unit's tokens, in nats. `gradient`: the backward will follow on
    /// this stash; the logits become the loss's gradient at once, while they are near.
    void forward(D& device, const real* values, real* stash, const std::int32_t* targets, double* loss,
                 bool gradient) const {
        real* s = stash;
        norm_.forward(device, values, s, s + x_, s + normal_);
        device.linear_forward(prepared_, s + normal_, values + weight_, reinterpret_cast<const real*>(bias_.data()),
                              nullptr, s + logits_);
        wide* const losses = wide_at<D>(s + losses_);
        if (gradient)
            device.cross_entropy_and_gradient(logits_shape_, s + logits_, targets, losses,
                                              wide(1) / wide(logits_shape_.rows));
        else
            device.cross_entropy(logits_shape_, s + logits_, targets, losses);
        device.mean_of(losses, static_cast<std::size_t>(logits_shape_.rows), loss);
    }

    /// Leaves the same bits as the two halves.
    void backward(D& device, const real* values, real* stash, real* dx, wide* gradients, bool add) const {
        real* s = stash;
        device.linear_backward_input(prepared_, s + logits_, values + weight_, s + d_normal_);
        norm_.backward(device, values, s, s + x_, s + d_normal_, nullptr, dx, gradients, add);
        device.linear_backward_weight(prepared_, s + logits_, s + normal_, gradients + weight_, nullptr, add);
    }
    void input_gradient(D& device, const real* values, real* stash, real* dx) const {
        real* s = stash;
        device.linear_backward_input(prepared_, s + logits_, values + weight_, s + d_normal_);
        norm_.input_gradient(device, values, s, s + x_, s + d_normal_, nullptr, dx);
    }
    void weight_gradient(D& device, const real* stash, wide* gradients, bool add) const {
        const real* s = stash;
        device.linear_backward_weight(prepared_, s + logits_, s + normal_, gradients + weight_, nullptr, add);
        norm_.weight_gradient(device, s, s + x_, s + d_normal_, gradients, add);
    }

private:
    void exclude(D& device, int vocabulary) {
        std::vector<real> bias(static_cast<std::size_t>(logits_shape_.columns), rounded<real>(0));
        std::fill(bias.begin() + vocabulary, bias.end(), rounded<real>(-1e30F));
        bias_ = device.allocate(bias.size() * sizeof(real));
        device.upload(bias_.data(), bias.data(), bias.size() * sizeof(real));
    }

    row_shape logits_shape_;
    layout stash_{granule<D>};
    norm<D> norm_;
    typename D::prepared_linear prepared_;
    typename D::memory bias_;  ///< of the columns beyond the vocabulary, if there are any
    std::size_t weight_, x_, normal_, d_normal_, losses_, logits_;
};

}  // namespace chimera::executor
