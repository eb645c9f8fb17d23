// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/recompute_mode.hpp>
#include <chimera/memory/stage_bytes.hpp>
#include <chimera/model/layer_chain.hpp>
#include <chimera/plan/layer_time.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera {

/// The time and memory of a range of layers, for one micro-batch.
struct stage_sums {
    double forward = 0;          ///< seconds
    double input_gradient = 0;   ///< seconds
    double weight_gradient = 0;  ///< seconds
    double selective_time = 0;   ///< seconds that a selective recompute adds to the backward
    double layers_time = 0;      ///< seconds that recompute by layers adds to the backward
    double parameters = 0;       ///< held by one tensor slice
    double activations = 0;      ///< bytes kept with nothing recomputed
    double selective = 0;        ///< bytes kept with attention's core recomputed
    double by_layers = 0;        ///< bytes kept with layers recomputed one by one

    /// Returns the seconds of a forward and a backward, nothing recomputed.
    [[nodiscard]] constexpr double compute() const noexcept { return forward + input_gradient + weight_gradient; }

    /// Returns the sums of two ranges of layers together.
    friend constexpr stage_sums operator+(const stage_sums& a, const stage_sums& b) {
        return {a.forward + b.forward,
                a.input_gradient + b.input_gradient,
                a.weight_gradient + b.weight_gradient,
                a.selective_time + b.selective_time,
                a.layers_time + b.layers_time,
                a.parameters + b.parameters,
                a.activations + b.activations,
                a.selective + b.selective,
                a.by_layers + b.by_layers};
    }
    /// Returns the sums of the range `a` without its part `b`.
    friend constexpr stage_sums operator-(const stage_sums& a, const stage_sums& b) {
        return {a.forward - b.forward,
                a.input_gradient - b.input_gradient,
                a.weight_gradient - b.weight_gradient,
                a.selective_time - b.selective_time,
                a.layers_time - b.layers_time,
                a.parameters - b.parameters,
                a.activations - b.activations,
                a.selective - b.selective,
                a.by_layers - b.by_layers};
    }
};

namespace detail {

/// Returns the seconds that a mode adds to a micro-batch's passes; 0 if stages differ in mode.
constexpr double recomputed_seconds(const stage_sums& sums, recompute_mode mode) {
    switch (mode) {
        case recompute_mode::full:
            return sums.forward;
        case recompute_mode::layers:
            return sums.layers_time;
        case recompute_mode::selective:
            return sums.selective_time;
        default:
            return 0;
    }
}

}  // namespace detail

/// The running sums over a model's layers at one micro-batch and tensor width; any stage in constant time.
class layer_sums {
public:
    /// Adds up the layers of a model for micro-batches of `samples` on slices of a group. Keeps no reference.
    constexpr layer_sums(const model& network, const hardware& platform, double samples, const tensor_group& group) {
        const slicing slices(group.slices, group.sequences);
        sums_.reserve(network.layers.size() + 1);
        sums_.emplace_back();
        boundary_.reserve(network.layers.size());
        const layer* before = nullptr;
        layer_seconds time;
        for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
            const layer& l = network.layers[static_cast<std::size_t>(i)];
            if (before == nullptr || !takes_as_long(l, *before)) time = seconds_of(l, platform, samples, group);
            before = &l;
            stage_sums one;
            one.forward = time.forward;
            one.input_gradient = time.input_gradient;
            one.weight_gradient = time.weight_gradient;
            one.selective_time = time.selective;
            one.parameters = static_cast<double>(l.parameters) / slices.width;
            one.activations = samples * slices.part(l.activations, l.replicated);
            one.selective = samples * slices.part(l.selective, l.replicated);
            one.by_layers = one.activations;
            if (recomputed_alone(network, i)) {
                one.layers_time = time.forward;
                one.by_layers = (std::min)(one.activations, slices.of_boundary(samples * input_of(network, i)));
            }
            sums_.push_back(sums_.back() + one);
            boundary_.push_back(samples * l.output);
            compute_.push_back(one.compute());
        }
    }

    /// Returns the number of layers.
    [[nodiscard]] constexpr int layers() const noexcept { return static_cast<int>(boundary_.size()); }
    /// Returns the sums of layers [from, to).
    [[nodiscard]] constexpr stage_sums of(int from, int to) const {
        return sums_[static_cast<std::size_t>(to)] - sums_[static_cast<std::size_t>(from)];
    }
    /// Returns the bytes that a micro-batch hands on behind the layer.
    [[nodiscard]] constexpr double boundary(int layer) const noexcept {
        return boundary_[static_cast<std::size_t>(layer)];
    }
    /// Returns the seconds of every layer's forward and backward, which a partition balances.
    [[nodiscard]] constexpr const std::vector<double>& compute() const noexcept { return compute_; }

private:
    /// Returns true if seconds_of is equal for both, as for a transformer's blocks.
    static constexpr bool takes_as_long(const layer& a, const layer& b) {
        return a.kind == b.kind && a.forward == b.forward && a.input_gradient == b.input_gradient &&
               a.weight_gradient == b.weight_gradient && a.selective_forward == b.selective_forward &&
               a.activations == b.activations && a.selective == b.selective && a.replicated == b.replicated &&
               a.output == b.output && a.exchanged == b.exchanged && a.products == b.products;
    }

    std::vector<stage_sums> sums_;
    std::vector<double> boundary_;
    std::vector<double> compute_;
};

}  // namespace chimera
