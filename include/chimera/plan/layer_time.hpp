// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>
#include <chimera/plan/hardware.hpp>
#include <chimera/simulate/rates.hpp>

namespace chimera {

/// Seconds that a layer takes for a micro-batch of so many samples, shared by `tensor` workers.
constexpr layer_seconds seconds_of(const layer& of, const hardware& on, double samples, int tensor) {
    const double rate = on.flops * tensor;
    const double shape = samples + on.half_samples;
    layer_seconds out;
    out.forward = of.forward * shape / rate;
    out.input_gradient = of.input_gradient * shape / rate;
    out.weight_gradient = of.weight_gradient * shape / rate;
    out.selective = of.selective_forward * shape / rate;
    return out;
}

/// Seconds of an all-reduce of so many bytes over r workers: 2 log2(r) α + 2 (r-1) β L / r (Chimera, section 3.4).
constexpr double reduction_seconds(double bytes, int r, const link& over) {
    if (r <= 1) return 0;
    return 2 * detail::log2_of(r) * over.latency + 2.0 * (r - 1) * bytes / (over.bandwidth * r);
}

/// Seconds in which the optimiser reads and writes so many bytes of state.
constexpr double update_seconds(double bytes, const hardware& on) { return bytes / on.update_bandwidth; }

}  // namespace chimera
