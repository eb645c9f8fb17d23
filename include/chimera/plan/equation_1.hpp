// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/closed_form.hpp>
#include <chimera/plan/estimator.hpp>
#include <chimera/simulate/critical_path.hpp>

#include <algorithm>
#include <vector>

namespace chimera {

/// The paper's Eq. 1 for a configuration, with the slowest stage's costs and the counts of its table.
struct equation_1_report {
    critical_path path;      ///< C_f, C_b; others: weight gradients and recomputes on the path
    closed_form_costs each;  ///< seconds
    double other = 0;        ///< seconds of one of the others
    double seconds = 0;      ///< of an iteration, overhead and update included
};

/// Computes Eq. 1 to compare with the simulation. The estimator must have evaluated this configuration last.
inline equation_1_report equation_1(const cluster& machines, estimator& estimate, const evaluation& simulated) {
    const stage_costs& cost = estimate.steps().cost();
    const auto largest = [](const per_stage& of) { return *std::max_element(of.values.begin(), of.values.end()); };
    costs uniform;
    uniform.forward = largest(cost.seconds.forward);
    uniform.backward = largest(cost.seconds.backward);
    uniform.input_gradient = largest(cost.seconds.input_gradient);
    uniform.weight_gradient = largest(cost.seconds.weight_gradient);
    uniform.recompute = largest(cost.seconds.recompute);
    const prepared_order& order = estimate.steps().order();
    const timeline played = simulate(order.view(), uniform);
    double end = 0;
    for (const step& s : played.steps) end = (std::max)(end, s.end);
    equation_1_report out;
    out.path = find_critical_path(played, 1e-9 * end);
    const bool split = std::any_of(played.steps.begin(), played.steps.end(),
                                   [](const step& s) { return s.op == action::input_gradient; });
    out.each.forward = uniform.forward[0];
    out.each.backward = split ? uniform.input_gradient[0] : uniform.backward[0];
    out.other = split ? uniform.weight_gradient[0] : uniform.recompute[0];
    out.each.transfer = largest(cost.seconds.transfer);
    out.each.unoverlapped = simulated.exposed;
    // The path's own length is F C_f + B C_b, and the same where a slot covers two micro-batches or half of one.
    out.seconds = end + out.each.transfer * (out.path.forwards + out.path.backwards) + out.each.unoverlapped +
                  simulated.update + machines.each.step_overhead;
    return out;
}

}  // namespace chimera
