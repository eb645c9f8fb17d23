// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/recompute_mode.hpp>
#include <chimera/model/layer_chain.hpp>
#include <chimera/model/slicing.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera {

/// The bytes that a stage holds and moves: sums over a range of layers, for one unit of samples.
struct stage_bytes {
    double parameters = 0;  ///< held, padding and tables shared with other stages included
    double largest = 0;     ///< of them, those of the largest layer
    double kept = 0;        ///< bytes from the forward to the backward, nothing recomputed
    double selective = 0;   ///< the same, attention's core recomputed
    double core = 0;        ///< bytes of the largest core among its layers, alive while a selective recompute has it
    double by_layers = 0;   ///< bytes from the forward to the backward, layers recomputed one by one
    double layer = 0;       ///< bytes of the largest layer beyond its input, alive while it is recomputed
    double input = 0;       ///< bytes; 0 for the first stage
    double output = 0;      ///< bytes; 0 for the last stage
    double workspace = 0;   ///< bytes that a pass needs only while it runs
    double brief = 0;       ///< bytes that a forward needs which keeps nothing: the ends, and two blocks by turns

    /// Returns the bytes from the forward to the backward under a mode; under `mixed`, as if nothing were recomputed.
    [[nodiscard]] constexpr double kept_by(recompute_mode mode) const noexcept {
        switch (mode) {
            case recompute_mode::full:
                return input;
            case recompute_mode::layers:
                return by_layers;
            case recompute_mode::selective:
                return selective;
            default:
                return kept;
        }
    }
    friend constexpr bool operator==(const stage_bytes&, const stage_bytes&) = default;
};

/// Returns the bytes of a sample that layer i gets from the layer before it; 0 for the first.
[[nodiscard]] constexpr double input_of(const model& network, int i) {
    return i > 0 ? network.layers[static_cast<std::size_t>(i) - 1].output : 0;
}

/// Returns true if recompute by layers drops what layer i keeps but its input. Ends of a model keep theirs, as trainers
/// have it, and so does a layer that keeps no more than its input.
[[nodiscard]] constexpr bool recomputed_alone(const model& network, int i) {
    const layer& l = network.layers[static_cast<std::size_t>(i)];
    const bool end = l.kind == layer_kind::embedding || l.kind == layer_kind::head;
    return !end && l.activations > input_of(network, i);
}

/// Returns the sums of layers [from, to) as one stage. `slices` share each layer's parameters and activations, except
/// replicated ones.
[[nodiscard]] constexpr stage_bytes bytes_of(const model& network, int from, int to, double samples,
                                             const slicing& slices = {}) {
    stage_bytes out;
    double first = 0, second = 0;  // the largest blocks
    for (int i = from; i < to; ++i) {
        const layer& l = network.layers[static_cast<std::size_t>(i)];
        const bool elsewhere = l.tied_to && (*l.tied_to < from || *l.tied_to >= to);
        const double held =
            static_cast<double>(l.parameters + l.padding + (elsewhere ? l.tied_parameters : 0)) / slices.width;
        const auto split = [&](double all) { return samples * slices.part(all, l.replicated); };
        out.parameters += held;
        out.largest = (std::max)(out.largest, held);
        out.kept += split(l.activations);
        out.selective += split(l.selective);
        out.core = (std::max)(out.core, split(l.activations) - split(l.selective));
        const double all = split(l.activations), entering = slices.of_boundary(samples * input_of(network, i));
        const double left = recomputed_alone(network, i) ? (std::min)(entering, all) : all;
        out.by_layers += left;
        out.layer = (std::max)(out.layer, all - left);
        out.workspace = (std::max)(out.workspace, samples * l.workspace / slices.width);
        if (l.kind != layer_kind::block && l.kind != layer_kind::convolution) {
            out.brief += split(l.activations);
            continue;
        }
        second = (std::max)(second, (std::min)(first, split(l.activations)));
        first = (std::max)(first, split(l.activations));
    }
    out.brief += first + second;
    out.input = slices.of_boundary(samples * input_of(network, from));
    if (to < static_cast<int>(network.layers.size())) out.output = slices.of_boundary(samples * input_of(network, to));
    if (from == to) out.workspace = out.input;  // a stage without layers hands its input on
    return out;
}

/// Returns the sums of all stages: stage s has layers [cuts[s], cuts[s + 1]). `slices` as above.
[[nodiscard]] constexpr std::vector<stage_bytes> bytes_of(const model& network, std::span<const int> cuts,
                                                          double samples, const slicing& slices = {}) {
    std::vector<stage_bytes> out;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s)
        out.push_back(bytes_of(network, cuts[s], cuts[s + 1], samples, slices));
    return out;
}

}  // namespace chimera
