// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/hardware.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace chimera {

/// The P100 nodes. A fit begins at these public facts of devices and networks, and varies some of them. P100: 9.3
/// TFLOP/s in 32 bits, 732 GB/s, 56 multiprocessors (NVIDIA's datasheet), products in tiles of 128 × 64; on Piz Daint
/// one a node, messages through the host (GLOO), which Eq. 1 of the Chimera paper counts to the passes: blocking 1.
/// Launches are those that figure 10 shows at micro-batches of one sample. A reduction beside passes costs them half of
/// itself: an assumption, which the fitted rows do not contradict (bubbles hide it), and which makes
/// eager_opt better than eager, as published.
inline constexpr hardware p100_nodes{.flops = 5e12,
                                     .peak = 9.3e12,
                                     .memory_bandwidth = 732e9,
                                     .launch = 1.7e-3,
                                     .multiprocessors = 56,
                                     .tile_rows = 128,
                                     .tile_columns = 64,
                                     .step_overhead = 0.1,
                                     .update_bandwidth = 732e9,
                                     .blocking = 1,
                                     .reduction_blocking = 0.5,
                                     .collective = 4,
                                     .between = {1e-5, 1e9}};

/// The V100 nodes: 15.7 TFLOP/s in 32 bits, 900 GB/s, 80 multiprocessors (NVIDIA's datasheet), eight a node behind
/// InfiniBand EDR of 12.5 GB/s. Software as on p100_nodes, so products as close to the peak, and messages
/// through the host in a node too.
inline constexpr hardware v100_nodes{.flops = 5e12 * 15.7 / 9.3,
                                     .peak = 15.7e12,
                                     .memory_bandwidth = 900e9,
                                     .launch = 1.7e-3,
                                     .multiprocessors = 80,
                                     .tile_rows = 128,
                                     .tile_columns = 64,
                                     .step_overhead = 0.1,
                                     .update_bandwidth = 900e9,
                                     .blocking = 1,
                                     .reduction_blocking = 0.5,
                                     .collective = 4,
                                     .inside = {1e-5, 1e9},
                                     .between = {1e-5, 1e9},
                                     .node_bandwidth = 12.5e9};

/// The A100 nodes: 312 TFLOP/s in 16 bits, 2,039 GB/s, 108 multiprocessors (NVIDIA's datasheet). Between nodes of
/// eight, four links of InfiniBand HDR with 25 GB/s each. Hops of a ring inside a node: vTrain's tables of all-reduces
/// (30 µs, and 4.3 µs a step, 200 GB/s); a transformer's wait for its slices as well. Tiles of 256 × 128.
inline constexpr hardware a100_nodes{.flops = 250e12,
                                     .peak = 312e12,
                                     .memory_bandwidth = 1.3e12,
                                     .launch = 1e-3,
                                     .launch_ends = 5e-4,
                                     .launch_slices = 0.04,
                                     .multiprocessors = 108,
                                     .tile_rows = 256,
                                     .tile_columns = 128,
                                     .unaligned = 3,
                                     .exchange_latency = 1e-4,
                                     .update_bandwidth = 1e12,
                                     .collective = 10,
                                     .inside = {4.3e-6, 20e9},
                                     .between = {1.4e-5, 25e9},
                                     .node_bandwidth = 100e9};

/// A cluster that needs no file.
struct named_hardware {
    std::string_view name;  ///< as command lines have it
    const hardware* of;     ///< its numbers
};
/// The hardware that fits begin at.
inline constexpr std::array<named_hardware, 3> known_hardware{
    {{"P100", &p100_nodes}, {"V100", &v100_nodes}, {"A100", &a100_nodes}}};

/// Carries a fit from one hardware to another: scales each number that both know in proportion, and takes the rest from
/// the other.
[[nodiscard]] constexpr hardware carried(hardware fitted, hardware from, hardware to) {
    for (const hardware_number& number : hardware_numbers) {
        const double before = number.of(from), after = number.of(to), found = number.of(fitted);
        constexpr double most = (std::numeric_limits<double>::max)();
        if (found != before)
            number.of(to) =
                before > 0 && before <= most && after > 0 && after <= most ? after * (found / before) : found;
    }
    return to;
}

/// Returns the hardware of that name; null if it is not known.
[[nodiscard]] constexpr const hardware* find_hardware(std::string_view name) noexcept {
    for (const named_hardware& one : known_hardware)
        if (one.name == name) return one.of;
    return nullptr;
}

}  // namespace chimera
