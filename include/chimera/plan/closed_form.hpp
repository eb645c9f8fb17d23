// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/zero_state.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>

#include <algorithm>
#include <optional>

namespace chimera {

/// C_f and C_b in closed form where B >= F, as the family's own spec says; nothing where it has no such form.
constexpr std::optional<path_counts> closed_counts(const family_spec& of) {
    return of.visit([](const auto& spec) -> std::optional<path_counts> {
        if constexpr (requires { spec.path(); }) return spec.path();
        return std::nullopt;
    });
}

/// What Eq. 1 of the paper is computed from, in seconds: passes of one stage and micro-batch, transfers included or 0.
struct closed_form_costs {
    double forward = 0;
    double backward = 0;
    double transfer = 0;      ///< p2p: α + β L
    double unoverlapped = 0;  ///< of the worker with most of it
};

/// Eq. 1: (F + p2p) C_f + (B + p2p) C_b + max unoverlapped.
constexpr double equation_1(const path_counts& path, const closed_form_costs& of) {
    return (of.forward + of.transfer) * path.forwards + (of.backward + of.transfer) * path.backwards + of.unoverlapped;
}

/// Unoverlapped seconds of a worker that reduces `stages` stages one after the other, `each` seconds long. lazy: all of it.
/// Else the bubble behind a stage's last gradient hides what fits: `bubble` seconds behind all but the last stage's.
constexpr double unoverlapped(reduction_start mode, int stages, double each, double bubble) {
    const double all = stages * each;
    if (mode == reduction_start::lazy || stages < 2) return all;
    return all - std::min(bubble, (stages - 1) * each);
}

/// A whole model at one micro-batch size and tensor width, for estimates that take all stages for alike.
struct closed_form_model {
    stage_sums all;       ///< of all layers
    double boundary = 0;  ///< bytes that a micro-batch hands on
    precision bytes;
};

/// What Eq. 1 and Table 2 of Chimera (SC'21) say of a configuration.
struct closed_form_estimate {
    double seconds = 0;  ///< of an iteration: Eq. 1, update and overhead
    double memory = 0;   ///< bytes, of the fullest worker: state and activations (Table 2 of the paper)
};

/// Eq. 1 for a configuration whose stages are alike, nothing recomputed, all links those between nodes. Nothing where there
/// is no closed form of its path. In constant time: millions of configurations a second.
constexpr std::optional<closed_form_estimate> closed_form(const closed_form_model& of, const hardware& on,
                                                          const configuration& with) {
    const std::optional<path_counts> path = closed_counts(with.schedule);
    if (!path) return std::nullopt;
    const family_spec& order = with.schedule;
    const double d = order.stages;
    const int pipelines = order.which == family::bidirectional ? std::max(2, order.pipelines) : 1;
    const int r = with.width * pipelines;
    closed_form_costs each;
    each.forward = of.all.forward / d;
    each.backward = of.all.compute() / d - each.forward;
    each.transfer = order.stages > 1 ? on.between.seconds(of.boundary) : 0;
    const double parameters = of.all.parameters / d;
    const double reduction = reduction_seconds(parameters * of.bytes.gradient, r, on.between);
    const double bubble = pipelines > 1 ? (order.stages / 2.0 - 1) * each.backward : 0;
    each.unoverlapped = unoverlapped(with.synchronisation, pipelines, reduction, bubble);
    const state_bytes state = state_of(of.bytes, with.zero, r);
    closed_form_estimate out;
    out.seconds =
        equation_1(*path, each) +
        update_seconds(pipelines * parameters * state_of(of.bytes, 0, 1).total() / (with.zero > 0 ? r : 1), on) +
        on.step_overhead;
    const double live =
        order.which == family::gpipe ? order.micro_batches : std::min(order.stages, order.micro_batches);
    out.memory = pipelines * parameters * state.total() + live * of.all.activations / d;
    return out;
}

}  // namespace chimera
