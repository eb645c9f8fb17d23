// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/stage_memory.hpp>
#include <chimera/partition/local_search.hpp>
#include <chimera/partition/unlike_workers.hpp>
#include <chimera/plan/bound.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>
#include <chimera/plan/prepared_order.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera {

/// Returns true if the family updates once an iteration and each worker holds one stage of several.
[[nodiscard]] constexpr bool one_stage_each(const family_spec& spec) {
    return spec.stages > 1 && pipelines_of(spec) == 1 && stages_per_worker(spec) == 1 && !asynchronous(spec.which);
}

/// The requirements, layer by layer, of a cut into one stage a worker. Needs of a stage beside its layers' sums
/// (buffers, work space, tied weights) are not included.
struct cut_needs {
    std::vector<double> seconds;      ///< per layer, what is recomputed included
    std::vector<double> state;        ///< per layer, bytes
    std::vector<double> activations;  ///< per layer and micro-batch in flight, bytes
    std::vector<double> in_flight;    ///< per stage: where all is recomputed, from its recompute on

    /// Returns a view, valid as long as the needs are.
    [[nodiscard]] layer_needs view() const { return {seconds, state, activations, in_flight, {}}; }
};

namespace detail {

/// Returns the most micro-batches that each row keeps at a time, from their pass `from` on; until its input gradient a
/// micro-batch counts as the part `before`.
inline std::vector<double> most_kept(schedule_argument order, pass from, double before) {
    std::vector<double> out;
    for (std::int32_t w = 0; w < order.head.workers; ++w) {
        double live = 0, most = 0;
        for (const slot& x : order.row(w)) {
            if (x.op == from) live += before * x.count;
            if (x.op == pass::input_gradient) live += (1 - before) * x.count;
            most = (std::max)(most, live);
            if (ends_activation(x.op)) live -= (x.op == pass::backward ? before : 1) * x.count;
        }
        out.push_back(most);
    }
    return out;
}

inline double slowest_worker(std::span<const double> seconds, std::span<const int> holders, std::span<const int> cuts) {
    const std::vector<double> each = worker_seconds(seconds, holders, cuts);
    return *std::max_element(each.begin(), each.end());
}

}  // namespace detail

/// Returns the needs of a configuration with one stage on each worker and no mixed recompute. Linear in layers and
/// slots.
[[nodiscard]] inline cut_needs needs_of(const model& network, const configuration& choice, const prepared_order& order,
                                        const layer_sums& layers) {
    cut_needs out;
    const bool again = choice.recompute == recompute_mode::full, split = splits_backward(choice.schedule);
    double kept = 0, whole = 0;
    for (int i = 0; i < layers.layers(); ++i) {
        const stage_sums sum = layers.of(i, i + 1);
        const stage_memory one = memory_of(bytes_of(network, i, i + 1, choice.micro_batch, choice.slices()),
                                           network.bytes, choice.recompute, choice.zero, choice.width, 1, split);
        out.seconds.push_back(sum.compute() + detail::recomputed_seconds(sum, choice.recompute));
        const bool unfolds = choice.recompute == recompute_mode::layers && split;
        kept += one.kept, whole += one.kept + (unfolds ? one.unfolded : 0);
        out.state.push_back(one.state.total());
        out.activations.push_back(again ? one.whole() : one.kept + (unfolds ? one.unfolded : 0));
    }
    // A micro-batch counts by its part before its layers are recomputed, and whole from then on.
    out.in_flight =
        detail::most_kept(order.view(), again ? pass::recompute : pass::forward, whole > 0 ? kept / whole : 1);
    return out;
}

}  // namespace chimera
