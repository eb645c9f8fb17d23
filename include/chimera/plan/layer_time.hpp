// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>
#include <chimera/plan/hardware.hpp>
#include <chimera/plan/tensor_group.hpp>
#include <chimera/simulate/cost_tables.hpp>

#include <algorithm>

namespace chimera {

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

/// Returns the seconds of `times` all-reduces, of `bytes` in all, over the slices of a layer. Within a node: a ring.
/// Across nodes in two levels: a node's slices reduce-scatter and at the end gather what they hold; between, each
/// all-reduces its part with its like in the other nodes, all at a time (NCCL's and Horovod's hierarchical all-reduce).
[[nodiscard]] constexpr double exchange_seconds(double bytes, double times, const hardware& platform,
                                                const tensor_group& group) {
    const auto ring = [](int members) { return 2.0 * (members - 1) / members; };
    const int most = group.slices - (group.nodes - 1) * group.together;  // slices of the group in a node
    const double inside = ring(most) * bytes / (platform.inside.bandwidth * platform.collective);
    double latency = platform.exchange_latency, across = 0;
    if (group.nodes > 1) {
        latency += 2 * detail::log2_of(group.nodes) * platform.between.latency;
        across = ring(group.nodes) * bytes / group.together / group.network;
    }
    return times * latency + inside + across;
}

/// Returns the seconds that a layer takes for a micro-batch of `samples` samples, shared by a tensor group.
/// Each of forward, input gradient and weight gradient takes its launch or its work, whichever is longer:
///   - launch: kernels are issued one by one, whatever their size. A slice whose device idles waits for the others too:
///     every further one adds a part of the idle time.
///   - work: FLOPs at the rate of large products, 1 + half_output / output times as long, as the last wave of tiles
///     fills the device partly (a slice's outputs are narrower in half of the products only); the activations that the
///     layer keeps, written and read by the forward, read with their gradients written by the input gradient; the
///     all-reduces of its slices.
[[nodiscard]] constexpr layer_seconds seconds_of(const layer& part, const hardware& platform, double samples,
                                                 const tensor_group& group) {
    const int tensor = group.slices;
    const bool block = part.kind != layer_kind::embedding && part.kind != layer_kind::head;
    const bool whole_head = part.kind == layer_kind::head && tensor == 1;
    const double output = part.output * samples / tensor;
    const double fill =
        output > 0 && platform.half_output > 0 ? 1 + platform.half_output / output * (1 + 3.0 / tensor) / 4 : 1;
    const double flop = samples / (platform.flops * tensor) * fill * (whole_head ? platform.whole_vocabulary : 1);
    const double kept = samples * slicing(tensor, group.sequences).part(part.activations, part.replicated);
    const double traffic = 2 * kept / platform.memory_bandwidth;
    double exchange = 0;
    if (tensor > 1 && part.exchanged > 0) {
        const double times = part.output > 0 ? part.exchanged / part.output : 0.5;
        exchange = exchange_seconds(samples * part.exchanged, times, platform, group);
    }
    const double launch = block ? platform.launch : platform.launch_ends;
    const auto lasts = [&](double work) {
        const double idle = (std::max)(0.0, launch - work);
        return (std::max)(work, launch + platform.launch_slices * (tensor - 1) * idle);
    };
    layer_seconds out;
    out.forward = lasts(part.forward * flop + traffic + exchange);
    out.input_gradient = lasts(part.input_gradient * flop + traffic + exchange);
    out.weight_gradient = lasts(part.weight_gradient * flop);
    const double core = samples * (part.activations - part.selective) / tensor;
    out.selective = part.selective_forward * flop + 2 * core / platform.memory_bandwidth;
    return out;
}

}  // namespace chimera
