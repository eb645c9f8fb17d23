// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/zero_state.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>

#include <algorithm>
#include <optional>

namespace chimera {

/// Returns C_f and C_b in closed form for B >= F, as the family's own spec says; nothing if it has no such form.
[[nodiscard]] constexpr std::optional<path_counts> closed_counts(const family_spec& spec) {
    return spec.visit([](const auto& own) -> std::optional<path_counts> {
        if constexpr (requires { own.path(); }) return own.path();
        return std::nullopt;
    });
}

/// The inputs of the paper's Eq. 1 in seconds: passes of one stage and micro-batch, transfers included or 0.
struct closed_form_costs {
    double forward = 0;       ///< a forward: F
    double backward = 0;      ///< a full backward: B
    double transfer = 0;      ///< p2p: α + β L
    double unoverlapped = 0;  ///< of the worker with most of it
};

/// Returns Eq. 1: (F + p2p) C_f + (B + p2p) C_b + max unoverlapped.
[[nodiscard]] constexpr double equation_1(const path_counts& path, const closed_form_costs& costs) {
    return (costs.forward + costs.transfer) * path.forwards + (costs.backward + costs.transfer) * path.backwards +
           costs.unoverlapped;
}

/// Returns the seconds of reductions that no bubble hides, for a worker that reduces `stages` stages in turn, `each`
/// seconds long. With lazy none is hidden. Otherwise `bubble` seconds behind each but the last stage's last gradient
/// hide their part.
[[nodiscard]] constexpr double unoverlapped(reduction_start mode, int stages, double each, double bubble) {
    const double all = stages * each;
    if (mode == reduction_start::lazy || stages < 2) return all;
    return all - (std::min)(bubble, (stages - 1) * each);
}

/// A whole model at one micro-batch size and tensor width, for estimates with equal stages.
struct closed_form_model {
    stage_sums all;       ///< of all layers
    double boundary = 0;  ///< bytes that a micro-batch hands on
    precision bytes;      ///< of a parameter, a gradient and so on
};

/// The estimate of a configuration by Eq. 1 and Table 2 of Chimera (SC'21).
struct closed_form_estimate {
    double seconds = 0;  ///< of an iteration: Eq. 1, update and overhead
    double memory = 0;   ///< bytes, of the fullest worker: state and activations (Table 2 of the paper)
};

/// Returns Eq. 1 for a configuration with equal stages, nothing recomputed and all links between nodes; nothing if its
/// path has no closed form. In constant time: millions of configurations a second.
[[nodiscard]] constexpr std::optional<closed_form_estimate> closed_form(const closed_form_model& network,
                                                                        const hardware& platform,
                                                                        const configuration& choice) {
    const std::optional<path_counts> path = closed_counts(choice.schedule);
    if (!path) return std::nullopt;
    const family_spec& order = choice.schedule;
    const double d = order.stages;
    const int pipelines = order.which == family::bidirectional ? (std::max)(2, order.pipelines) : 1;
    const int r = choice.width * pipelines;
    closed_form_costs each;
    each.forward = network.all.forward / d;
    each.backward = network.all.compute() / d - each.forward;
    each.transfer = order.stages > 1 ? platform.between.seconds(network.boundary) : 0;
    const double parameters = network.all.parameters / d;
    const double reduction = reduction_seconds(parameters * network.bytes.gradient, r, platform.between);
    const double bubble = pipelines > 1 ? (order.stages / 2.0 - 1) * each.backward : 0;
    each.unoverlapped = unoverlapped(choice.synchronisation, pipelines, reduction, bubble);
    const state_bytes state = state_of(network.bytes, choice.zero, r);
    closed_form_estimate out;
    out.seconds =
        equation_1(*path, each) +
        update_seconds(pipelines * parameters * state_of(network.bytes, 0, 1).total() / (choice.zero > 0 ? r : 1),
                       platform) +
        platform.step_overhead;
    const double live =
        order.which == family::gpipe ? order.micro_batches : (std::min)(order.stages, order.micro_batches);
    out.memory = pipelines * parameters * state.total() + live * network.all.activations / d;
    return out;
}

}  // namespace chimera
