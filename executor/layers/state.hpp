// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/layers/wide.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace chimera::executor {

/// One parameter with its optimiser state, in the device's memory. The moments are AdamW's; `master` is empty where real is wide.
template <class Real, class Wide = Real>
struct parameter_view {
    const parameter& what;
    std::span<Real> values;
    std::span<Wide> gradients, m, v, master;
};

/// What is stored of a parameter. Weights are the master's, where there is one.
enum class stored : std::uint8_t { weight, gradient, m, v };

/// The parameters of one stage with gradients, moments and, where real is shorter than wide, master weights: each kind in one
/// contiguous array in the device's memory.
template <Device D>
class training_state {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    /// Start values depend on `seed` and the parameters' names only.
    void start(D& device, parameter_list list, std::uint64_t seed) {
        list_ = std::move(list);
        values_ = device.allocate(list_.size() * sizeof(real));
        for (auto* m : {&gradients_, &m_, &v_}) *m = device.allocate(list_.size() * sizeof(wide));
        if constexpr (has_master<D>) master_ = device.allocate(list_.size() * sizeof(wide));
        if constexpr (!D::on_host) {
            results_ = device.allocate(sizeof(double));
            steps_ = device.allocate(2 * sizeof(typename D::step_numbers));
        }
        set_step(device, {});
        for (const parameter& p : list_.all()) initialise_one(device, p, seed);
    }

    const parameter_list& list() const { return list_; }
    /// The weights of the version selected.
    real* values() { return values_of(current_); }

    /// The next contribution overwrites.
    void clear_gradients() { gradient_state_ = fresh; }
    bool adding() const { return gradient_state_ == filled; }
    void filled_gradients() { gradient_state_ = filled; }
    wide* raw_gradients() { return wides(gradients_); }
    std::span<wide> gradients(D& device) {
        if (gradient_state_ == fresh) device.fill(wides(gradients_), 0, list_.size()), gradient_state_ = zeroed;
        return {wides(gradients_), list_.size()};
    }
    void zero_gradients(D& device) {
        if (gradient_state_ == fresh) return void(gradients(device));
        device.fill(wides(gradients_), 0, list_.size());
    }
    double gradient_square_sum(D& device) {
        double sum = 0;
        double* const on_device = D::on_host ? &sum : reinterpret_cast<double*>(results_.data());
        device.sum_of_squares(gradients(device).data(), list_.size(), on_device);
        if constexpr (!D::on_host) device.download(&sum, on_device, sizeof sum);
        return sum;
    }

    void set_step(D& device, const adamw_step& step) {
        step_[decayed] = step_[plain] = step;
        step_[plain].weight_decay = 0;
        if constexpr (!D::on_host) {
            const typename D::step_numbers numbers[] = {D::numbers(step_[decayed]), D::numbers(step_[plain])};
            device.upload(steps_.data(), numbers, sizeof numbers);
        }
    }
    void keep_versions(D& device, int count);
    void select_version(int version) { current_ = static_cast<std::size_t>(version); }
    void update_version(D& device, std::size_t from, std::size_t to);
    std::size_t current() const { return current_; }
    int versions() const { return static_cast<int>(count_); }

    std::vector<parameter_view<real, wide>> parameters();
    /// One tensor as floats on the host; `to` and `from` have its size. Weights are those of the version selected.
    void read(D& device, const parameter& p, stored what, std::span<float> to);
    void write(D& device, const parameter& p, stored what, std::span<const float> from);

    /// Where what is stored of a parameter lies, in the device's memory.
    wide* place(const parameter& p, stored what) {
        if (what == stored::gradient) return wides(gradients_) + p.offset;
        if (what != stored::weight) return wides(what == stored::m ? m_ : v_) + p.offset;
        if constexpr (has_master<D>)
            return wides(master_) + p.offset;
        else
            return values() + p.offset;
    }

private:
    enum state { fresh, zeroed, filled };
    enum { decayed, plain };

    void initialise_one(D& device, const parameter& p, std::uint64_t seed);
    real* values_of(std::size_t version) {
        return version == 0 ? reals(values_) : reals(more_values_) + (version - 1) * list_.size();
    }
    static real* reals(const typename D::memory& m) { return reinterpret_cast<real*>(m.data()); }
    static wide* wides(const typename D::memory& m) { return reinterpret_cast<wide*>(m.data()); }

    parameter_list list_;
    typename D::memory values_, gradients_, m_, v_, master_, results_, steps_;
    typename D::memory more_values_;  ///< versions 1 to count_ - 1
    std::size_t count_ = 1, current_ = 0;
    adamw_step step_[2]{};  ///< with weight decay and without
    state gradient_state_ = fresh;
};

template <Device D>
void training_state<D>::initialise_one(D& device, const parameter& p, std::uint64_t seed) {
    if constexpr (D::on_host && !has_master<D>) {
        initialise(p, seed, std::span(values() + p.offset, p.size));
    } else {
        std::vector<float> start(p.size);
        initialise(p, seed, std::span(start));
        write(device, p, stored::weight, start);
    }
}

template <Device D>
void training_state<D>::keep_versions(D& device, int count) {
    if (count <= versions()) return;
    typename D::memory more = device.allocate(static_cast<std::size_t>(count - 1) * list_.size() * sizeof(real));
    for (int v = 1; v < count; ++v)
        device.copy(reals(more) + static_cast<std::size_t>(v - 1) * list_.size(), reals(values_), list_.size());
    more_values_ = std::move(more);
    count_ = static_cast<std::size_t>(count);
}

template <Device D>
void training_state<D>::update_version(D& device, std::size_t from, std::size_t to) {
    gradients(device);  // zeroed, if this stage had no unit
    if (from != to && !has_master<D>) device.copy(values_of(to), values_of(from), list_.size());
    current_ = to;
    for (const parameter& p : list_.all()) {
        wide* const master = has_master<D> ? wides(master_) + p.offset : nullptr;
        const auto kind = p.decay() ? decayed : plain;
        const auto run = [&](const auto& numbers) {
            device.adamw(values() + p.offset, master, wides(gradients_) + p.offset, wides(m_) + p.offset,
                         wides(v_) + p.offset, p.size, numbers);
        };
        if constexpr (D::on_host)
            run(step_[kind]);
        else
            run(reinterpret_cast<const typename D::step_numbers*>(steps_.data()) + kind);
    }
}

template <Device D>
auto training_state<D>::parameters() -> std::vector<parameter_view<real, wide>> {
    std::vector<parameter_view<real, wide>> result;
    for (const parameter& p : list_.all()) {
        const auto part = [&](const typename D::memory& all) { return std::span(wides(all) + p.offset, p.size); };
        result.push_back({p, std::span(values() + p.offset, p.size), part(gradients_), part(m_), part(v_), {}});
        if constexpr (has_master<D>) result.back().master = part(master_);
    }
    return result;
}

template <Device D>
void training_state<D>::read(D& device, const parameter& p, stored what, std::span<float> to) {
    const wide* from = place(p, what);
    if constexpr (std::is_same_v<wide, float>)
        device.download(to.data(), from, to.size_bytes());
    else
        std::transform(from, from + p.size, to.begin(), [](wide x) { return static_cast<float>(x); });
}

template <Device D>
void training_state<D>::write(D& device, const parameter& p, stored what, std::span<const float> from) {
    static_assert(D::on_host || std::is_same_v<wide, float>);
    if constexpr (std::is_same_v<wide, float>)
        device.upload(place(p, what), from.data(), from.size_bytes());
    else
        std::copy(from.begin(), from.end(), place(p, what));
    if constexpr (has_master<D>) {
        if (what != stored::weight) return;
        std::vector<real> shorter(from.size());
        std::transform(from.begin(), from.end(), shorter.begin(), [](float x) { return rounded<real>(x); });
        device.upload(values() + p.offset, shorter.data(), shorter.size() * sizeof(real));
    }
}

}  // namespace chimera::executor
