// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>
#include <chimera/plan/stage_costs.hpp>
#include <chimera/schedule/family_placement.hpp>

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

/// `modes`: whose recompute counts, or null: none.
constexpr std::vector<stage_ramp> ramps(const layer_sums& layers, const family_spec& order, std::span<const int> cuts,
                                        std::span<const double> speeds, const configuration* modes) {
    const bool split = splits_backward(order);
    const stage_placement worker_at(order);
    std::vector<stage_ramp> out;
    out.reserve(static_cast<std::size_t>(order.stages));
    stage_ramp at;
    for (int s = 0; s < order.stages; ++s) {
        const stage_sums sum = layers.of(cuts[static_cast<std::size_t>(s)], cuts[static_cast<std::size_t>(s) + 1]);
        double speed = std::numeric_limits<double>::infinity();  // of the slowest that holds the stage
        for (int p = 0; p < worker_at.pipelines(); ++p)
            speed = (std::min)(speed, speeds[static_cast<std::size_t>(worker_at(p, s))]);
        const double gradient = split ? sum.input_gradient : sum.input_gradient + sum.weight_gradient;
        const recompute_mode mode = modes == nullptr ? recompute_mode::none : modes->recompute_of(s);
        const double again = recomputed_seconds(sum, mode);
        at.passes = (sum.compute() + again) / speed;
        at.gradients = (sum.forward + again + gradient) / speed;
        out.push_back(at);
        at.before += sum.forward / speed;
        // A pass of its own may recompute before the gradient comes.
        at.after += (gradient + (mode == recompute_mode::full ? 0 : again)) / speed;
    }
    return out;
}

/// Seconds that so many bytes of a stage take at least from and to all who hold it, over the best link there is.
constexpr double least_exchange(double bytes, const cluster& machines, const configuration& choice) {
    if (asynchronous(choice.schedule.which)) return 0;
    const int pipelines = pipelines_of(choice.schedule);
    const int holders = choice.schedule.which == family::bidirectional ? pipelines : (std::max)(1, pipelines / 2);
    const int r = choice.width * holders;
    if (r <= 1) return 0;
    const link_model &inside = machines.each.inside, &between = machines.each.between;
    const double bandwidth = machines.nodes == 1              ? inside.bandwidth
                             : machines.workers_per_node == 1 ? between.bandwidth
                                                              : (std::max)(inside.bandwidth, between.bandwidth);
    return (r - 1) * bytes / (bandwidth * (std::max)(1.0, machines.each.collective) * r);
}

/// Seconds that the reduction of a stage lasts at least beyond the last of a worker's passes that yields a gradient of
/// it: all of it, over the best link there is. ZeRO levels 2 and 3 move no less, in their passes or after them.
constexpr double least_reduction(double parameters, const precision& bytes, const cluster& machines,
                                 const configuration& choice) {
    const double moved = parameters * (bytes.gradient + (std::min)(bytes.gradient, bytes.weight));
    return least_exchange(moved, machines, choice);
}

}  // namespace detail

/// Returns a lower bound in seconds for all orders with the family's placement under the given cuts. Nothing is
/// recomputed, or (`recomputing`) what the configuration says of every stage. It is never above the estimator's time. A
/// worker computes all passes of its stages. None starts before the first micro-batch has reached the first of them,
/// and its last gradient has yet to go up to stage 0. Split weight gradients may be computed meanwhile. After its last
/// gradient a worker reduces at least one of its stages. At least one micro-batch (under halving, half of one) passes
/// all stages down and up. Pipelines run equally many micro-batches, up to one. `at`: the group's positions. Linear in
/// placements. `more`: seconds that each worker recomputes at least, whatever its stages do; empty: none.
[[nodiscard]] constexpr double lower_bound(const layer_sums& layers, const configuration& choice,
                                           std::span<const int> cuts, const positions& at, const cluster& machines,
                                           const precision& bytes, bool recomputing = false,
                                           std::span<const double> more = {}) {
    const family_spec& order = choice.schedule;
    const stage_placement worker_at(order);
    const int pipelines = worker_at.pipelines();
    const double part = order.scale == scale::halving ? 0.5 : 1;
    const std::vector<detail::stage_ramp> stages =
        detail::ramps(layers, order, cuts, at.speed, recomputing ? &choice : nullptr);
    struct load {
        double before = std::numeric_limits<double>::infinity();
        double after = before;
        double reduction = before;
        double passes = 0;
        double gradients = 0;
    };
    std::vector<load> workers(static_cast<std::size_t>(worker_at.workers()));
    const int units = order.micro_batches / pipelines;
    for (int s = 0; s < order.stages; ++s) {
        const detail::stage_ramp& stage = stages[static_cast<std::size_t>(s)];
        const double parameters =
            layers.of(cuts[static_cast<std::size_t>(s)], cuts[static_cast<std::size_t>(s) + 1]).parameters;
        const double reduction = detail::least_reduction(parameters, bytes, machines, choice);
        for (int p = 0; p < pipelines; ++p) {
            load& w = workers[static_cast<std::size_t>(worker_at(p, s))];
            w.before = (std::min)(w.before, part * stage.before);
            w.after = (std::min)(w.after, part * stage.after);
            w.reduction = (std::min)(w.reduction, reduction);
            w.passes += units * stage.passes;
            w.gradients += units * stage.gradients;
        }
    }
    const double fastest = *std::max_element(at.speed.begin(), at.speed.end());
    double bound = order.micro_batches * layers.of(0, layers.layers()).compute() / (worker_at.workers() * fastest);
    if (!choice.continuous)
        bound = (std::max)(bound, part * (stages.back().before + stages.back().gradients + stages.back().after));
    for (std::size_t i = 0; i < workers.size(); ++i) {
        const load& w = workers[i];
        const double again = more.empty() ? 0 : more[i];
        const double ramp = (choice.continuous ? 0 : w.before) + again;
        bound =
            (std::max)({bound, ramp + w.passes + w.reduction, choice.continuous ? 0 : ramp + w.gradients + w.after});
    }
    return bound * (1 - 1e-12) + machines.each.step_overhead;
}

/// Returns a lower bound in seconds for a ZeRO level, over all cuts and modes: the passes with what they move of every
/// stage for each micro-batch (gradients from level 2 on, weights before either pass at level 3), spread evenly.
[[nodiscard]] constexpr double sharded_bound(const layer_sums& layers, const configuration& choice, int zero,
                                             const positions& at, const cluster& machines, const precision& bytes) {
    if (zero < 2) return 0;
    const stage_sums all = layers.of(0, layers.layers());
    const double moved = all.parameters * (bytes.gradient + (zero >= 3 ? 2 * bytes.weight : 0));
    const double each = all.compute() / *std::max_element(at.speed.begin(), at.speed.end()) +
                        detail::least_exchange(moved, machines, choice);
    const double workers = choice.schedule.workers();
    return choice.schedule.micro_batches * each / workers * (1 - 1e-12) + machines.each.step_overhead;
}

/// Returns a lower bound in seconds over all cuts of a one-stage-per-worker family; `cuts` must be bottleneck-optimal.
/// Each stage waits for the forwards of those before it. With R seconds of them before stage s and N micro-batches of
/// at least k times a forward each, z seconds leave it a forward of (z - R) / (N k) at most, so that all forwards
/// together take z (1 - (1 - 1/(N k))^D) at most. Recomputed forwards count as far as every
/// layer has them; mixed recompute does not count.
[[nodiscard]] constexpr double any_cut_bound(const layer_sums& layers, const configuration& choice,
                                             std::span<const int> cuts, const positions& at, const cluster& machines) {
    const family_spec& order = choice.schedule;
    const double fastest = *std::max_element(at.speed.begin(), at.speed.end());
    const bool split = splits_backward(order);
    const auto back = [&](const stage_sums& sum) {
        return split ? sum.input_gradient : sum.input_gradient + sum.weight_gradient;
    };
    double slowest = 0, least = std::numeric_limits<double>::infinity(), again = least;
    for (int s = 0; s < order.stages; ++s) {
        const auto i = static_cast<std::size_t>(s);
        slowest = (std::max)(slowest, layers.of(cuts[i], cuts[i + 1]).compute() / at.speed[i]);
    }
    for (int l = 0; l < layers.layers(); ++l) {
        const stage_sums one = layers.of(l, l + 1);
        if (one.compute() > 0)
            again = (std::min)(again, detail::recomputed_seconds(one, choice.recompute) / one.compute());
        if (one.forward > 0) least = (std::min)(least, one.compute() / one.forward);
    }
    if (least == std::numeric_limits<double>::infinity()) return machines.each.step_overhead;
    const stage_sums all = layers.of(0, layers.layers());
    const double through = (all.forward + back(all)) / fastest, units = order.micro_batches * (1 + again);
    double left = 1;  // (1 - 1/(N k))^D
    for (int s = 0; s < order.stages; ++s) left *= 1 - 1 / (units * least);
    const double bound = (std::max)({units * slowest, through, all.forward / fastest / (1 - left)});
    return bound * (1 - 1e-12) + machines.each.step_overhead;
}

/// Returns a lower bound in bytes for the memory of the fullest worker, whatever is recomputed: the state of an even
/// share of the parameters, sharded as far as the request allows. Activations are not counted.
[[nodiscard]] constexpr double least_memory(const precision& bytes, double parameters, const configuration& choice,
                                            int zero) {
    const double replicas = static_cast<double>(choice.width) * choice.schedule.placements() / choice.schedule.stages;
    const double weight = zero >= 3 ? bytes.weight / replicas : bytes.weight;
    const double gradient = zero >= 2 ? bytes.gradient / replicas : bytes.gradient;
    const double optimiser = zero >= 1 ? bytes.optimiser / replicas : bytes.optimiser;
    // A mirror over an odd number of stages holds the middle one once.
    const int pipelines = choice.schedule.stages % 2 != 0 ? 1 : pipelines_of(choice.schedule);
    const double held = parameters * pipelines / choice.schedule.workers();
    return (weight + gradient + optimiser) * held;
}

}  // namespace chimera
