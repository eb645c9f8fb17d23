// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/recompute_mode.hpp>
#include <chimera/model/layer_chain.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera {

/// What a stage holds and moves: sums over a range of layers, for one unit of so many samples.
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

/// Layers [from, to) as one stage. `tensor` workers share each of its layers: parameters and activations, but for what is replicated.
[[nodiscard]] constexpr stage_bytes bytes_of(const model& network, int from, int to, double samples, int tensor = 1) {
    stage_bytes out;
    double first = 0, second = 0;  // the largest blocks
    for (int i = from; i < to; ++i) {
        const layer& l = network.layers[static_cast<std::size_t>(i)];
        const bool elsewhere = l.tied_to >= 0 && (l.tied_to < from || l.tied_to >= to);
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

/// All stages: stage s has layers [cuts[s], cuts[s + 1]). `tensor` as above.
[[nodiscard]] constexpr std::vector<stage_bytes> bytes_of(const model& network, std::span<const int> cuts,
                                                          double samples, int tensor = 1) {
    std::vector<stage_bytes> out;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s)
        out.push_back(bytes_of(network, cuts[s], cuts[s + 1], samples, tensor));
    return out;
}

/// Least and most micro-batches of one stage that workers keep, from the papers (D stages, N micro-batches, f pairs of pipelines).
struct peak_range {
    double least = 0, most = 0;
    friend constexpr bool operator==(const peak_range&, const peak_range&) = default;
};

/// Closed forms of published peaks, table 2 of the Chimera paper (arXiv 2107.06925) first.
namespace published_peak {

constexpr peak_range gpipe(int micro_batches) { return {double(micro_batches), double(micro_batches)}; }
constexpr peak_range one_f_one_b(int stages, int micro_batches) {
    return {1, double((std::min)(stages, micro_batches))};
}
/// Chimera at D or more micro-batches, direct; table 3 for f > 1: [D - D/(2f) + 1, D].
constexpr peak_range bidirectional(int stages, int pairs = 1) {
    return {stages - stages / (2.0 * pairs) + 1, double(stages)};
}
constexpr peak_range bidirectional_doubling(int stages) { return {3 * stages / 2.0 + 1, 2.0 * stages}; }
/// Zero bubble (arXiv 2401.10241): H1 as 1F1B, H2 up to 2D - 1.
constexpr double zb_h2(int stages, int micro_batches) { return (std::min)(2 * stages - 1, micro_batches); }
/// Controllable memory (arXiv 2405.15362), in micro-batches of two chunks.
constexpr double v_half(int workers) {
    const int whole = (workers + 2) / 2;
    return whole;
}
constexpr double v_min(int workers) {
    const int whole = (workers + 4) / 3;
    return whole;
}
/// DualPipe (DeepSeek-V3, arXiv 2412.19437).
constexpr double dualpipe(int stages) { return stages + 1; }
/// Interleaved 1F1B (Narayanan et al., arXiv 2104.04473), in micro-batches of a worker's v chunks: D (1 + (D - 1)/(D v)).
constexpr double interleaved(int workers, int chunks) { return workers * (1 + (workers - 1.0) / (workers * chunks)); }

}  // namespace published_peak
}  // namespace chimera
