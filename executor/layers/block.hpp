// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/stage_layers.hpp>
#include <executor/layers/wide.hpp>

#include <cmath>

namespace chimera::executor {

/// The number of tokens of one unit: it fixes every shape.
struct unit_shape {
    int sequences = 1, tokens = 1;
    constexpr int rows() const { return sequences * tokens; }
    constexpr std::size_t size(int columns) const { return row_shape{rows(), columns}.size(); }
};

/// Layer norm with its parameters, as part of a larger layer.
template <Device D>
class norm {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    norm(const std::string& name, int channels, const unit_shape& unit, parameter_list& parameters, layout& stash)
        : shape_{unit.rows(), channels}, scale_(parameters.add(name + ".weight", {channels}, parameter::start::ones)),
          shift_(parameters.add(name + ".bias", {channels}, parameter::start::zeros)),
          mean_(take_wide<D>(stash, unit.size(1))), inverse_(take_wide<D>(stash, unit.size(1))) {}

    void forward(D& device, const real* values, real* stash, const real* x, real* y) const {
        device.norm_forward(shape_, x, values + scale_, values + shift_, y, wide_at<D>(stash + mean_),
                            wide_at<D>(stash + inverse_));
    }
    /// dx = residual + gradient through the norm.
    void input_gradient(D& device, const real* values, const real* stash, const real* x, const real* dy,
                        const real* residual, real* dx) const {
        device.norm_backward_input(shape_, dy, x, values + scale_, wide_at<D>(stash + mean_),
                                   wide_at<D>(stash + inverse_), residual, dx);
    }
    void weight_gradient(D& device, const real* stash, const real* x, const real* dy, wide* gradients, bool add) const {
        device.norm_backward_parameters(shape_, dy, x, wide_at<D>(stash + mean_), wide_at<D>(stash + inverse_),
                                        gradients + scale_, gradients + shift_, add);
    }

    /// Both at once. `d_residual`, `d_dx`: gradients of the biases that were added to what residual and dx are
    /// gradients of, or null.
    void backward(D& device, const real* values, const real* stash, const real* x, const real* dy, const real* residual,
                  real* dx, wide* gradients, bool add, wide* d_residual = nullptr, wide* d_dx = nullptr) const {
        device.norm_backward(shape_, dy, x, values + scale_, wide_at<D>(stash + mean_), wide_at<D>(stash + inverse_),
                             residual, dx, {gradients + scale_, gradients + shift_, d_residual, d_dx, add});
    }

private:
    row_shape shape_;
    std::size_t scale_, shift_, mean_, inverse_;
};

/// Linear layer with bias: weight [inputs, outputs].
template <Device D>
class linear {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    linear(D& device, const std::string& name, int inputs, int outputs, linear_role role, double deviation,
           const unit_shape& unit, parameter_list& parameters)
        : prepared_(device.prepare(linear_shape{unit.rows(), inputs, outputs}, role)), shape_{unit.rows(), outputs},
          weight_(parameters.add(name + ".weight", {inputs, outputs}, parameter::start::normal, deviation)),
          bias_(parameters.add(name + ".bias", {outputs}, parameter::start::zeros)) {}

    /// y = x w + b + residual
    void forward(D& device, const real* values, const real* x, const real* residual, real* y) const {
        device.linear_forward(prepared_, x, values + weight_, values + bias_, residual, y);
    }
    void gelu_forward(D& device, const real* values, const real* x, real* before, real* y) const {
        device.linear_gelu_forward(prepared_, x, values + weight_, values + bias_, before, y);
    }
    void input_gradient(D& device, const real* values, const real* dy, real* dx) const {
        device.linear_backward_input(prepared_, dy, values + weight_, dx);
    }
    /// Through the GELU that made x of `before`: see linear_gelu_backward_input.
    void gelu_input_gradient(D& device, const real* values, const real* dy, const real* before, real* dx, real* room,
                             wide* sums = nullptr, bool add = false) const {
        device.linear_gelu_backward_input(prepared_, dy, values + weight_, before, dx, room, sums, add);
    }
    /// Returns true if the sums above come almost for free. They are the gradient of the bias before the GELU.
    bool sums_with_gelu(D& device) const { return device.sums_with_gelu(prepared_); }
    void weight_gradient(D& device, const real* dy, const real* x, wide* gradients, bool add) const {
        device.linear_backward_weight(prepared_, dy, x, gradients + weight_, gradients + bias_, add);
    }
    /// Weight gradient without the bias's, which another pass sums. With `later` it is summed here, in that pass's
    /// order.
    void weight_gradient(D& device, const real* dy, const real* x, wide* gradients, bool add, bool later) const {
        device.linear_backward_weight(prepared_, dy, x, gradients + weight_, nullptr, add);
        if (later) device.column_sums(shape_, dy, bias(gradients), add);
    }
    wide* bias(wide* gradients) const { return gradients + bias_; }

private:
    typename D::prepared_linear prepared_;
    row_shape shape_;  // of the outputs
    std::size_t weight_, bias_;
};

/// One pre-norm transformer block: y = r + mlp(norm(r)), r = x + attention(norm(x)).
///
/// The caller puts x where `input` says before forward, and dy where `output_gradient` says before the input gradient.
/// Both, and everything between, stay in the stash until the weight gradient is done; gradients take the place of what
/// the weight gradient does not need. The widest of them may stay in `work`, where the weight gradient follows at once.
template <Device D>
class block {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    block(D& device, const gpt2_sizes& c, int index, const unit_shape& unit, parameter_list& parameters)
        : block(device, c, "h." + std::to_string(index), 0.02 / std::sqrt(2.0 * c.layers), unit, parameters) {}

    std::size_t stash_size() const { return stash_.size(); }
    std::size_t work_size() const { return 4 * narrow_; }
    real* input(real* stash) const { return stash + x_; }
    real* output_gradient(real* stash) const { return stash + dy_; }

    /// `keep`: the backward will follow; without it the block may skip what only a backward needs.
    void forward(D& device, const real* values, real* stash, real* y, bool keep) const {
        real* s = stash;
        norm_1_.forward(device, values, s, s + x_, s + normal_1_);
        attend_.forward(device, values, s + normal_1_, nullptr, s + qkv_);
        device.attention_forward(attention_, s + qkv_, s + attended_, wide_at<D>(s + log_sum_));
        project_.forward(device, values, s + attended_, s + x_, s + middle_);
        norm_2_.forward(device, values, s, s + middle_, s + normal_2_);
        widen_.gelu_forward(device, values, s + normal_2_, keep ? s + wide_ : nullptr, s + active_);
        narrow_again_.forward(device, values, s + active_, s + middle_, y);
    }

    /// `work` has room for work_size() elements. Leaves the same bits as the two halves, with less to read: sums of
    /// columns are taken by what passes over them anyway.
    void backward(D& device, const real* values, real* stash, real* work, real* dx, wide* gradients, bool add) const {
        back(device, values, stash, work, dx, gradients, add);
        weights(device, stash, work, gradients, add, false);
    }
    /// The first half; the second, whenever it comes, finds all in the stash.
    void input_gradient(D& device, const real* values, real* stash, real* work, real* dx) const {
        back(device, values, stash, work, dx, nullptr, false);
    }
    void weight_gradient(D& device, const real* stash, wide* gradients, bool add) const {
        weights(device, stash, nullptr, gradients, add, true);
    }

private:
    /// Without `gradients` they come later.
    void back(D& device, const real* values, real* stash, real* work, real* dx, wide* gradients, bool add) const {
        real* s = stash;
        const bool later = !gradients;
        real *const d_wide = later ? s + wide_ : work, *const d_attended = s + d_normal_1_;  // until that is made
        wide* const bias = !later && narrow_again_.sums_with_gelu(device) ? widen_.bias(gradients) : nullptr;
        narrow_again_.gelu_input_gradient(device, values, s + dy_, s + wide_, d_wide, work, bias, add);
        widen_.input_gradient(device, values, d_wide, s + d_normal_2_);
        if (later)
            norm_2_.input_gradient(device, values, s, s + middle_, s + d_normal_2_, s + dy_, s + d_middle_);
        else
            norm_2_.backward(device, values, s, s + middle_, s + d_normal_2_, s + dy_, s + d_middle_, gradients, add,
                             narrow_again_.bias(gradients), project_.bias(gradients));
        project_.input_gradient(device, values, s + d_middle_, d_attended);
        device.attention_backward(attention_, s + qkv_, s + attended_, d_attended, wide_at<D>(s + log_sum_),
                                  s + d_qkv(later));
        attend_.input_gradient(device, values, s + d_qkv(later), s + d_normal_1_);
        if (later)
            norm_1_.input_gradient(device, values, s, s + x_, s + d_normal_1_, s + d_middle_, dx);
        else
            norm_1_.backward(device, values, s, s + x_, s + d_normal_1_, s + d_middle_, dx, gradients, add);
    }

    /// Weight gradients that back() has not summed. With `later` it has summed none, and d_wide lies in the stash.
    void weights(D& device, const real* stash, const real* work, wide* gradients, bool add, bool later) const {
        const real *const s = stash, *const d_wide = later ? s + wide_ : work;
        narrow_again_.weight_gradient(device, s + dy_, s + active_, gradients, add, later);
        if (narrow_again_.sums_with_gelu(device))
            widen_.weight_gradient(device, d_wide, s + normal_2_, gradients, add, later);
        else
            widen_.weight_gradient(device, d_wide, s + normal_2_, gradients, add);
        project_.weight_gradient(device, s + d_middle_, s + attended_, gradients, add, later);
        attend_.weight_gradient(device, s + d_qkv(later), s + normal_1_, gradients, add);
        if (!later) return;
        norm_2_.weight_gradient(device, s, s + middle_, s + d_normal_2_, gradients, add);
        norm_1_.weight_gradient(device, s, s + x_, s + d_normal_1_, gradients, add);
    }

    block(D& device, const gpt2_sizes& c, const std::string& name, double residual, const unit_shape& unit,
          parameter_list& parameters)
        : narrow_(unit.size(c.channels)), norm_1_(name + ".ln_1", c.channels, unit, parameters, stash_),
          attend_(device, name + ".attn.c_attn", c.channels, 3 * c.channels, linear_role::biased, 0.02, unit,
                  parameters),
          project_(device, name + ".attn.c_proj", c.channels, c.channels, linear_role::residual, residual, unit,
                   parameters),
          norm_2_(name + ".ln_2", c.channels, unit, parameters, stash_),
          widen_(device, name + ".mlp.c_fc", c.channels, 4 * c.channels, linear_role::gelu, 0.02, unit, parameters),
          narrow_again_(device, name + ".mlp.c_proj", 4 * c.channels, c.channels, linear_role::residual_after_gelu,
                        residual, unit, parameters),
          attention_(device.prepare(attention_shape{unit.sequences, unit.tokens, c.heads, c.channels})) {
        for (std::size_t* at :
             {&x_, &normal_1_, &attended_, &middle_, &normal_2_, &dy_, &d_middle_, &d_normal_1_, &d_normal_2_})
            *at = stash_.take(narrow_);
        qkv_ = stash_.take(3 * narrow_);
        wide_ = stash_.take(4 * narrow_);
        active_ = stash_.take(4 * narrow_);
        log_sum_ = take_wide<D>(stash_, unit.size(c.heads));
    }

    /// Place of the gradient of queries, keys and values. In place costs a device a copy, so only a split backward does
    /// it: there the wide gradient still needs the other place.
    std::size_t d_qkv(bool later) const { return later ? qkv_ : wide_; }

    layout stash_{granule<D>};
    std::size_t narrow_;  // elements of one [rows, channels] matrix
    norm<D> norm_1_;
    linear<D> attend_, project_;
    norm<D> norm_2_;
    linear<D> widen_, narrow_again_;
    typename D::prepared_attention attention_;
    std::size_t x_, normal_1_, attended_, middle_, normal_2_, dy_, d_middle_, d_normal_1_, d_normal_2_, qkv_, wide_,
        active_, log_sum_;
};

}  // namespace chimera::executor
