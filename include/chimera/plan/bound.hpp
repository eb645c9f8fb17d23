// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>
#include <chimera/schedule/placement.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace chimera {

namespace detail {

/// Seconds before a stage's first forward, after its last gradient, and in all of its passes, at the least.
struct stage_ramp {
    double before = 0;
    double after = 0;
    double passes = 0;     ///< of a micro-batch
    double gradients = 0;  ///< of these, up to the end of the input gradient
};

constexpr std::vector<stage_ramp> ramps(const layer_sums& layers, std::span<const int> cuts, bool split) {
    std::vector<stage_ramp> out;
    stage_ramp at;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) {
        const stage_sums sum = layers.of(cuts[s], cuts[s + 1]);
        at.passes = sum.compute();
        at.gradients = split ? sum.forward + sum.input_gradient : at.passes;
        out.push_back(at);
        at.before += sum.forward;
        at.after += at.gradients - sum.forward;
    }
    return out;
}

}  // namespace detail

/// Seconds that no order with the family's placement can beat under the cuts given, nothing recomputed; never more than what
/// the estimator finds. A worker computes all passes of its stages; none before the first micro-batch has come down to the
/// first of them, and the last gradient it yields has yet to go up to stage 0. Where backwards are split, weight gradients
/// may be computed meanwhile. At least one micro-batch passes all stages down and up.
/// Pipelines run as many micro-batches each, up to one; under halving, half a micro-batch goes down and up. `fastest`: speed of the fastest worker. Linear in placements.
constexpr double lower_bound(const layer_sums& layers, const configuration& with, std::span<const int> cuts,
                             double fastest, double overhead) {
    const family_spec& order = with.schedule;
    const int pipelines = pipelines_of(order);
    const bool split = splits_backward(order);
    const double part = order.scale == scale::halving ? 0.5 : 1;
    const std::vector<detail::stage_ramp> stages = detail::ramps(layers, cuts, split);
    struct load {
        double before = std::numeric_limits<double>::infinity();
        double after = before;
        double passes = 0;
        double gradients = 0;
    };
    std::vector<load> workers(static_cast<std::size_t>(order.workers()));
    for (int p = 0; p < pipelines; ++p) {
        // data_parallel: every copy runs all of its own; else the pipelines of a copy share its micro-batches
        const double units = order.micro_batches / pipelines;
        for (int s = 0; s < order.stages; ++s) {
            load& w = workers[static_cast<std::size_t>(worker_of(order, p, s))];
            const detail::stage_ramp& stage = stages[static_cast<std::size_t>(s)];
            w.before = std::min(w.before, part * stage.before);
            w.after = std::min(w.after, part * stage.after);
            w.passes += units * stage.passes;
            w.gradients += units * stage.gradients;
        }
    }
    double bound = order.micro_batches * layers.of(0, layers.layers()).compute() / order.workers();
    if (!with.continuous)
        bound = std::max(bound, part * (stages.back().before + stages.back().gradients + stages.back().after));
    for (const load& w : workers) {
        const double ramp = with.continuous ? 0 : w.before;
        bound = std::max({bound, ramp + w.passes, with.continuous ? 0 : ramp + w.gradients + w.after});
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
