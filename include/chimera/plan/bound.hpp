// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace chimera {

namespace detail {

/// Whether every worker holds one stage of one pipeline, in order.
constexpr bool linear(family which) {
    return which == family::gpipe || which == family::one_f_one_b || which == family::zb_h1 || which == family::zb_h2 ||
           which == family::data_parallel;
}

}  // namespace detail

/// Seconds that no order of the family can beat under the cuts given, nothing recomputed; never more than what the estimator
/// finds. All passes spread evenly, or one micro-batch's way through all stages; for linear pipelines also every stage's
/// own passes between the first forwards' way down to it and the last gradients' way back up.
/// `fastest`: speed of the fastest worker. Linear in stages.
constexpr double lower_bound(const layer_sums& layers, const configuration& with, std::span<const int> cuts,
                             double fastest, double overhead) {
    const double n = with.schedule.micro_batches;
    const stage_sums all = layers.of(0, layers.layers());
    const double workers = with.schedule.workers();
    double bound = n * all.compute() / workers;
    if (!with.continuous) bound = std::max(bound, all.forward + all.input_gradient);
    if (!detail::linear(with.schedule.which)) return bound / fastest * (1 - 1e-12) + overhead;
    double ramp = 0;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) {
        const stage_sums sum = layers.of(cuts[s], cuts[s + 1]);
        bound = std::max(bound, n * sum.compute() + ramp);
        ramp += sum.forward + sum.input_gradient;
    }
    return bound / fastest * (1 - 1e-12) + overhead;
}

/// Bytes that some worker needs at least, whatever is recomputed: the state of an even share of the parameters, sharded as
/// far as the request allows, and one micro-batch's smallest activations are not counted. Never more than the need.
constexpr double least_memory(const precision& bytes, double parameters, const configuration& with, int zero) {
    const double replicas = static_cast<double>(with.width) * with.schedule.placements() / with.schedule.stages;
    const double weight = zero >= 3 ? bytes.weight / replicas : bytes.weight;
    const double gradient = zero >= 2 ? bytes.gradient / replicas : bytes.gradient;
    const double optimiser = zero >= 1 ? bytes.optimiser / replicas : bytes.optimiser;
    const double held = parameters * with.schedule.placements() / with.schedule.stages / with.schedule.workers();
    return (weight + gradient + optimiser) * held;
}

}  // namespace chimera
