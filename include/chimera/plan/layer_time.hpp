// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>
#include <chimera/plan/hardware.hpp>
#include <chimera/plan/product_time.hpp>
#include <chimera/plan/tensor_group.hpp>
#include <chimera/simulate/cost_tables.hpp>

#include <algorithm>

namespace chimera {

namespace detail {

/// The longer of work and launches, and up to an eighth more where they are alike. A layer's kernels differ in size:
/// some wait for their launch and some for their work, so that the sum of the longer ones exceeds the longer sum. (An
/// assumption: 1 + q⁶/8 for a shorter one of q times the longer; it has no number of its own.)
constexpr double longer(double a, double b) {
    const double most = (std::max)(a, b);
    if (most <= 0) return 0;
    const double q = (std::min)(a, b) / most;
    return most * (1 + q * q * q * q * q * q / 8);
}

}  // namespace detail

/// Returns the seconds of an all-reduce of `bytes` over r workers: 2 log2(r) α + 2 (r-1) β L / r (Chimera, section
/// 3.4).
[[nodiscard]] constexpr double reduction_seconds(double bytes, int r, const link_model& over) {
    if (r <= 1) return 0;
    return 2 * detail::log2_of(r) * over.latency + 2.0 * (r - 1) * bytes / (over.bandwidth * r);
}

/// Returns the seconds in which the optimiser reads and writes `bytes` of state.
[[nodiscard]] constexpr double update_seconds(double bytes, const hardware& platform) noexcept {
    return bytes / platform.update_bandwidth;
}

/// Returns the seconds of `times` all-reduces, of `bytes` in all, over the slices of a layer. Within a node: a ring,
/// of 2 (m-1) steps.
/// Across nodes in two levels: a node's slices reduce-scatter and at the end gather what they hold; between, each
/// all-reduces its part with its like in the other nodes, all at a time (NCCL's and Horovod's hierarchical all-reduce).
[[nodiscard]] constexpr double exchange_seconds(double bytes, double times, const hardware& platform,
                                                const tensor_group& group) {
    const auto ring = [](int members) { return 2.0 * (members - 1) / members; };
    const int most = group.slices - (group.nodes - 1) * group.together;  // slices of the group in a node
    const double inside = ring(most) * bytes / (platform.inside.bandwidth * platform.collective);
    double latency = platform.exchange_latency + 2.0 * (most - 1) * platform.inside.latency, across = 0;
    if (group.nodes > 1) {
        latency += 2 * detail::log2_of(group.nodes) * platform.between.latency;
        across = ring(group.nodes) * bytes / group.together / group.network;
    }
    return times * latency + inside + across;
}

/// Returns the seconds that a layer takes for a micro-batch of `samples` samples, shared by a tensor group.
/// Each of forward, input gradient and weight gradient takes its launch or its work, whichever is longer, and a little
/// more where both are alike:
///   - launch: kernels are issued one by one, whatever their size. Slices wait for each other's: every further one adds
///     a part of it.
///   - work: its products (product_time.hpp); the activations that the layer keeps, written and read by the forward,
///     read with their gradients written by the input gradient; the all-reduces of its slices (sequence parallelism:
///     Korthikanti et al., arXiv 2205.05198, section 4.2.2).
[[nodiscard]] constexpr layer_seconds seconds_of(const layer& part, const hardware& platform, double samples,
                                                 const tensor_group& group) {
    const int tensor = group.slices;
    const bool block = part.kind != layer_kind::embedding && part.kind != layer_kind::head;
    const pass_seconds products = product_seconds(part, platform, samples, tensor);
    const double kept = samples * slicing(tensor, group.sequences).part(part.activations, part.replicated);
    const double traffic = 2 * kept / platform.memory_bandwidth;
    double exchange = 0;
    if (tensor > 1 && part.exchanged > 0) {
        const double times = part.output > 0 ? part.exchanged / part.output : 0.5;
        exchange = exchange_seconds(samples * part.exchanged, times, platform, group);
    }
    // With sequence parallelism an all-reduce is a reduce-scatter in one place and a gather in another; behind the
    // embedding only the first is needed. A backward gathers its input once more, beside its products.
    if (group.sequences && part.kind == layer_kind::embedding) exchange /= 2;
    const double gather = group.sequences ? exchange / 2 : 0;
    const double launch =
        (block ? platform.launch : platform.launch_ends) * (1 + platform.launch_slices * (tensor - 1));
    layer_seconds out;
    out.forward = detail::longer(products.forward + traffic + exchange, launch);
    out.input_gradient = detail::longer((std::max)(products.input_gradient, gather) + traffic + exchange, launch);
    out.weight_gradient = detail::longer(products.weight_gradient, launch);
    const double core = samples * (part.activations - part.selective) / tensor;
    out.selective = products.selective + 2 * core / platform.memory_bandwidth;
    return out;
}

}  // namespace chimera
