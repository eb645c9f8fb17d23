// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/estimator.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace chimera {

/// The parts of an iteration's seconds, in the mean of the pipeline group's workers, and of the fullest worker's bytes.
struct breakdown {
    evaluation found;        ///< estimate whose parts these are
    double products = 0;     ///< seconds of passes beside what follows; an asynchronous family's updates, too
    double recompute = 0;    ///< seconds of passes that recompute
    double exchanges = 0;    ///< seconds of all-reduces between tensor slices
    double messages = 0;     ///< seconds in which a worker does nothing but send to another stage
    double sharded = 0;      ///< seconds of gathers and scatters of ZeRO 2 and 3
    double bubbles = 0;      ///< seconds without a pass, until the last pass of all ends
    double reductions = 0;   ///< seconds of reductions beyond the passes
    double updates = 0;      ///< seconds of the optimiser
    double overhead = 0;     ///< seconds beside all that is modelled
    state_bytes state;       ///< of the fullest worker
    double activations = 0;  ///< bytes of the fullest worker: activations at their peak, boundary tensors, work space
    double flop = 0;         ///< FLOPs of an iteration, over all copies, without recompute
};

namespace detail {

/// Returns the mean seconds that a worker spends in passes. Each micro-batch runs through every stage once.
inline double mean_passes_of(const stage_costs& of, const configuration& choice) {
    double all = 0;
    for (int s = 0; s < choice.schedule.stages; ++s)
        all += of.seconds.forward[s] + of.seconds.input_gradient[s] + of.seconds.weight_gradient[s] +
               of.seconds.recompute[s];
    return all * choice.schedule.micro_batches / choice.schedule.workers();
}

inline state_bytes state_of_worker(const model& network, const configuration& choice, const prepared_order& order,
                                   int worker) {
    const double unit = static_cast<double>(choice.micro_batch) / order.head().micro_batch_parts;
    const std::vector<stage_bytes> bytes = bytes_of(network, choice.cuts, unit, choice.slices());
    state_bytes out;
    for (const std::int32_t s : order.stages_of(worker))
        out += memory_of(bytes[static_cast<std::size_t>(s)], network.bytes, choice.recompute_of(s), choice.zero,
                         choice.width * static_cast<int>(order.holders(s).size()), weight_versions(order.head(), s))
                   .state;
    return out;
}

/// Returns the mean seconds of a worker's exchanges. A layer that waits for its launches does not wait longer for them.
inline double exchanges_of(const model& network, const hardware& platform, const configuration& choice,
                           const tensor_group& group) {
    hardware still = platform;
    still.exchange_latency = still.between.latency = 0;
    still.inside.bandwidth = std::numeric_limits<double>::infinity();
    tensor_group free = group;
    free.network = still.inside.bandwidth;
    const layer_sums with(network, platform, choice.micro_batch, group);
    const layer_sums without(network, still, choice.micro_batch, free);
    double all = 0;
    for (std::size_t i = 0; i < with.compute().size(); ++i)
        all += (std::max)(0.0, with.compute()[i] - without.compute()[i]);
    return all * choice.schedule.micro_batches / choice.schedule.workers();
}

/// Returns the mean seconds in which a worker recomputes; exchanges are repeated and count here.
inline double recomputes_of(const stage_costs& of, const configuration& choice) {
    double all = 0;
    for (int s = 0; s < choice.schedule.stages; ++s)
        all += recomputed_seconds(of.sums[static_cast<std::size_t>(s)], choice.recompute_of(s));
    return all * choice.schedule.micro_batches / choice.schedule.workers();
}

}  // namespace detail

/// Returns where the seconds and bytes of a configuration go. Each part of the passes is what they would take less
/// without it. Cuts the model if the configuration has no cuts; throws as `estimator` does.
inline breakdown break_down(const model& network, const cluster& machines, configuration& choice, order_cache& orders) {
    estimator estimate(network, machines, orders);
    breakdown out;
    out.found = estimate(choice);
    const prepared_order& order = estimate.steps().order();
    const positions at = estimate.place(choice);
    const tensor_group group = tensor_group_of(machines, choice.slices());
    const auto passes = [&](const cluster& on, const configuration& with) {
        const layer_sums layers(network, on.each, with.micro_batch, group);
        return detail::mean_passes_of(cost_stages(network, on, with, layers, order, at), with);
    };
    const double all = detail::mean_passes_of(estimate.steps().cost(), choice);
    cluster other = machines;
    other.each.blocking = 0;
    out.messages = all - passes(other, choice);
    configuration whole = choice;
    whole.zero = (std::min)(choice.zero, 1);
    if (choice.zero > 1) out.sharded = all - passes(machines, whole);
    out.recompute = detail::recomputes_of(estimate.steps().cost(), choice);
    out.exchanges = detail::exchanges_of(network, machines.each, choice, group);
    out.products = all - out.messages - out.sharded - out.recompute - out.exchanges;
    out.bubbles = (std::max)(0.0, out.found.compute - all);
    out.updates = out.found.update;
    out.overhead = machines.each.step_overhead;
    out.reductions = out.found.seconds - out.found.compute - out.updates - out.overhead;
    if (out.reductions < 0) out.updates += out.reductions, out.reductions = 0;  // the last to end updates less
    out.state = detail::state_of_worker(network, choice, order, out.found.fullest);
    out.activations = (std::max)(0.0, out.found.memory - out.state.total());
    for (const layer& l : network.layers) out.flop += l.forward + l.input_gradient + l.weight_gradient;
    out.flop *= static_cast<double>(choice.samples());
    return out;
}

}  // namespace chimera
