// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/wide.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace chimera::executor {

/// One parameter with its optimiser state, in the device's memory. The moments are AdamW's; `master` is empty where
/// real is wide.
template <class Real, class Wide = Real>
struct parameter_view {
    const parameter& what;
    std::span<Real> values;
    std::span<Wide> gradients, m, v, master;
};

/// The kinds of values stored of a parameter. Weights are the master's, where there is one.
enum class stored : std::uint8_t { weight, gradient, m, v };

/// An update's settings as adamw takes them.
template <Device D>
struct update_settings {
    using type = adamw_step;
};
template <Device D>
requires(!D::on_host) struct update_settings<D> {
    using type = typename D::step_numbers;
};

/// The parameters of one stage with gradients, moments and, where real is shorter than wide, master weights: each kind
/// in one contiguous array in the device's memory.
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
            numbers(device, 1);
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
        double* const to = D::on_host ? &sum : numbers_;
        gradient_square_sum(device, to);
        if constexpr (!D::on_host) device.download(&sum, to, sizeof sum);
        return sum;
    }
    void gradient_square_sum(D& device, double* to) {
        device.sum_of_squares(gradients(device).data(), list_.size(), to);
    }
    /// Room for so many numbers in the device's memory, zeroed; what was handed out before is gone.
    double* numbers(D& device, std::size_t count) {
        results_ = device.allocate(count * sizeof(double));
        return numbers_ = reinterpret_cast<double*>(results_.data());
    }

    void set_step(D& device, const adamw_step& step) { set_steps(device, {&step, 1}); }
    /// Of the updates of an iteration, one after the other. The first is the next one, until `clip` names another.
    void set_steps(D& device, std::span<const adamw_step> steps);
    void clip(D& device, const norm_limit& by, std::size_t update);
    void keep_versions(D& device, int count);
    void select_version(int version) { current_ = static_cast<std::size_t>(version); }
    void update_version(D& device, std::size_t from, std::size_t to);
    std::size_t current() const { return current_; }
    int versions() const { return static_cast<int>(count_); }

    std::vector<parameter_view<real, wide>> parameters();
    /// One tensor as floats on the host; `to` and `from` have its size. Weights are those of the version selected.
    void read(D& device, const parameter& p, stored what, std::span<float> to);
    void write(D& device, const parameter& p, stored what, std::span<const float> from);

    /// Returns the address of a parameter's stored values in the device's memory.
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
    using settings = typename update_settings<D>::type;

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
    double* numbers_ = nullptr;
    std::vector<settings> settings_;  ///< of updates: each with weight decay, then without
    std::size_t next_ = 0;            ///< update
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
            run(settings_[2 * next_ + kind]);
        else
            run(reinterpret_cast<const settings*>(steps_.data()) + 2 * next_ + kind);
    }
}

template <Device D>
void training_state<D>::set_steps(D& device, std::span<const adamw_step> steps) {
    settings_.clear();
    for (adamw_step step : steps)
        for (const auto kind : {decayed, plain}) {
            if (kind == plain) step.weight_decay = 0;
            if constexpr (D::on_host)
                settings_.push_back(step);
            else
                settings_.push_back(D::numbers(step));
        }
    next_ = 0;
    if constexpr (!D::on_host) {
        const std::size_t bytes = settings_.size() * sizeof(settings);
        if (bytes > steps_.size()) steps_ = {}, steps_ = device.allocate(bytes);
        device.upload(steps_.data(), settings_.data(), bytes);
    }
}

template <Device D>
void training_state<D>::clip(D& device, const norm_limit& by, std::size_t update) {
    next_ = update;
    if constexpr (!D::on_host) {
        device.clip(by, reinterpret_cast<settings*>(steps_.data()) + 2 * update, 2);
    } else {
        double total = 0;
        for (int column = 0; column < by.columns; ++column) {
            double sum = 0;
            for (int row = 0; row < by.rows; ++row) sum += by.squares[std::ptrdiff_t{row} * by.columns + column];
            total += sum;
        }
        const double norm = *by.norm = std::sqrt(total) / by.units;
        const double factor = by.limit > 0 && norm > by.limit ? by.limit / norm : 1;
        for (const auto kind : {decayed, plain}) settings_[2 * update + kind].gradient_scale = factor / by.units;
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
