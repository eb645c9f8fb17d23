// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>
#include <chimera/plan/hardware.hpp>
#include <chimera/simulate/cost_tables.hpp>

#include <algorithm>

namespace chimera {

/// Seconds of an all-reduce of so many bytes over r workers: 2 log2(r) α + 2 (r-1) β L / r (Chimera, section 3.4).
constexpr double reduction_seconds(double bytes, int r, const link& over) {
    if (r <= 1) return 0;
    return 2 * detail::log2_of(r) * over.latency + 2.0 * (r - 1) * bytes / (over.bandwidth * r);
}

/// Seconds in which the optimiser reads and writes so many bytes of state.
constexpr double update_seconds(double bytes, const hardware& on) { return bytes / on.update_bandwidth; }

/// Seconds that a layer takes for a micro-batch of so many samples, shared by `tensor` workers of a node. Each of forward,
/// input gradient and weight gradient takes its launch or its work, whichever is longer:
///   - launch: kernels are issued one by one, whatever their size. A slice whose device idles waits for the others too:
///     every further one adds a part of the idle time.
///   - work: FLOPs at the rate of large products, 1 + half_output / output times as long, as the last wave of tiles fills
///     the device partly (a slice's outputs are narrower in half of the products only); the activations that the layer
///     keeps, written and read by the forward, read with their gradients written by the input gradient; the all-reduces
///     of its slices.
constexpr layer_seconds seconds_of(const layer& of, const hardware& on, double samples, int tensor) {
    const bool block = of.kind != layer_kind::embedding && of.kind != layer_kind::head;
    const bool whole_head = of.kind == layer_kind::head && tensor == 1;
    const double output = of.output * samples / tensor;
    const double fill = output > 0 && on.half_output > 0 ? 1 + on.half_output / output * (1 + 3.0 / tensor) / 4 : 1;
    const double flop = samples / (on.flops * tensor) * fill * (whole_head ? on.whole_vocabulary : 1);
    const double kept = samples * (of.replicated + (of.activations - of.replicated) / tensor);
    const double traffic = 2 * kept / on.memory_bandwidth;
    double exchange = 0;
    if (tensor > 1 && of.exchanged > 0) {
        const double times = of.output > 0 ? of.exchanged / of.output : 0.5;
        const link over{on.exchange_latency * times, on.inside.bandwidth * on.collective};
        exchange = over.latency + 2.0 * (tensor - 1) / tensor * samples * of.exchanged / over.bandwidth;
    }
    const double launch = block ? on.launch : on.launch_ends;
    const auto lasts = [&](double work) {
        const double idle = std::max(0.0, launch - work);
        return std::max(work, launch + on.launch_slices * (tensor - 1) * idle);
    };
    layer_seconds out;
    out.forward = lasts(of.forward * flop + traffic + exchange);
    out.input_gradient = lasts(of.input_gradient * flop + traffic + exchange);
    out.weight_gradient = lasts(of.weight_gradient * flop);
    const double core = samples * (of.activations - of.selective) / tensor;
    out.selective = of.selective_forward * flop + 2 * core / on.memory_bandwidth;
    return out;
}

}  // namespace chimera
