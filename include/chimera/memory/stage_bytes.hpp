// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/recompute_mode.hpp>
#include <chimera/model/layer_chain.hpp>

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
    double input = 0;       ///< bytes; 0 for the first stage
    double output = 0;      ///< bytes; 0 for the last stage
    double workspace = 0;   ///< bytes that a pass needs only while it runs
    double brief = 0;       ///< bytes that a forward needs which keeps nothing: the ends, and two blocks by turns

    [[nodiscard]] constexpr double kept_by(recompute_mode mode) const noexcept {
        return mode == recompute_mode::full ? input : mode == recompute_mode::selective ? selective : kept;
    }
    friend constexpr bool operator==(const stage_bytes&, const stage_bytes&) = default;
};

/// Returns the sums of layers [from, to) as one stage. `tensor` workers share each layer's parameters and activations,
/// except replicated ones.
[[nodiscard]] constexpr stage_bytes bytes_of(const model& network, int from, int to, double samples, int tensor = 1) {
    stage_bytes out;
    double first = 0, second = 0;  // the largest blocks
    for (int i = from; i < to; ++i) {
        const layer& l = network.layers[static_cast<std::size_t>(i)];
        const bool elsewhere = l.tied_to && (*l.tied_to < from || *l.tied_to >= to);
        const double held =
            static_cast<double>(l.parameters + l.padding + (elsewhere ? l.tied_parameters : 0)) / tensor;
        const auto split = [&](double all) { return samples * (l.replicated + (all - l.replicated) / tensor); };
        out.parameters += held;
        out.largest = (std::max)(out.largest, held);
        out.kept += split(l.activations);
        out.selective += split(l.selective);
        out.core = (std::max)(out.core, split(l.activations) - split(l.selective));
        out.workspace = (std::max)(out.workspace, samples * l.workspace / tensor);
        if (l.kind != layer_kind::block && l.kind != layer_kind::convolution) {
            out.brief += split(l.activations);
            continue;
        }
        second = (std::max)(second, (std::min)(first, split(l.activations)));
        first = (std::max)(first, split(l.activations));
    }
    out.brief += first + second;
    if (from > 0) out.input = samples * network.layers[static_cast<std::size_t>(from) - 1].output;
    if (to < static_cast<int>(network.layers.size()))
        out.output = samples * network.layers[static_cast<std::size_t>(to) - 1].output;
    if (from == to) out.workspace = out.input;  // a stage without layers hands its input on
    return out;
}

/// Returns the sums of all stages: stage s has layers [cuts[s], cuts[s + 1]). `tensor` as above.
[[nodiscard]] constexpr std::vector<stage_bytes> bytes_of(const model& network, std::span<const int> cuts,
                                                          double samples, int tensor = 1) {
    std::vector<stage_bytes> out;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s)
        out.push_back(bytes_of(network, cuts[s], cuts[s + 1], samples, tensor));
    return out;
}

}  // namespace chimera
