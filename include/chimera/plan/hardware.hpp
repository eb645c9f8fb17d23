// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace chimera {

/// A class of links: a message of L bytes takes latency + L / bandwidth.
struct link_model {
    double latency = 0;                                          ///< seconds
    double bandwidth = std::numeric_limits<double>::infinity();  ///< bytes per second

    /// Returns the seconds of a message of so many bytes.
    [[nodiscard]] constexpr double seconds(double bytes) const noexcept { return latency + bytes / bandwidth; }
    friend constexpr bool operator==(const link_model&, const link_model&) = default;
};

/// The speed of a device and its software, in a few fitted or measured numbers. The defaults describe a device that
/// computes at `flops` and has no other cost.
struct hardware {
    double flops = 1e12;   ///< FLOP/s that large matrix products sustain
    double peak = 0;       ///< FLOP/s of the data sheet; 0: not known
    double fp8_flops = 0;  ///< FLOP/s that large products of 8-bit operands sustain; 0: none, or not known
    double fp8_peak = 0;   ///< FLOP/s of the data sheet for such products; 0: not known
    double memory_bandwidth = std::numeric_limits<double>::infinity();  ///< bytes/s of passes bound by memory
    double launch = 0;         ///< seconds that issuing a pass of a layer takes, whatever its size: the least it takes
    double launch_ends = 0;    ///< as launch, for an embedding and a head
    double launch_slices = 0;  ///< part of a launch that every further tensor slice adds to it
    double multiprocessors = 0;   ///< tiles that run at a time; 0: products of any size fill the device
    double tile_rows = 128;       ///< of the tile that a multiprocessor computes at a time
    double tile_columns = 128;    ///< likewise
    double unaligned = 1;         ///< by how much products take longer whose rows do not begin at multiples of 16 bytes
    double exchange_latency = 0;  ///< seconds of a collective of the tensor slices beside what it moves
    double step_overhead = 0;     ///< seconds per iteration beside all that is modelled
    double update_bandwidth = std::numeric_limits<double>::infinity();  ///< state bytes per second of the optimiser
    double overlap_slowdown = 1;    ///< by how much a reduction takes longer beside computation
    double blocking = 0;            ///< part of a message's time in which its sender does nothing else
    double reduction_blocking = 0;  ///< part of a reduction's time in which its worker computes nothing
    double collective = 1;          ///< bandwidth of a collective relative to that of a message over the same link
    link_model inside{};            ///< between workers of one node
    link_model between{};           ///< between nodes, of one worker
    double node_bandwidth = std::numeric_limits<double>::infinity();  ///< bytes/s of all workers of a node together

    friend constexpr bool operator==(const hardware&, const hardware&) = default;
};

/// One number of a hardware by its name, as a file holds it and a fit varies it.
struct hardware_number {
    std::string_view name;  ///< its name in files, such as `inside.latency`
    /// Returns it, to be read or changed.
    double& (*of)(hardware&);
    double start;           ///< a fit's start if nothing better is known
    double least;           ///< in files and fits: what is possible, generously
    double most;            ///< likewise
    double spread;          ///< of what is known without rows: standard deviation of its logarithm
    std::string_view what;  ///< its unit
};

/// The numbers that files hold and fits vary, peaks left out.
inline constexpr std::array<hardware_number, 22> hardware_numbers{{
    {"flops", [](hardware& h) -> double& { return h.flops; }, 1e13, 1e6, 1e18, 0.2, "FLOP/s"},
    {"fp8_flops", [](hardware& h) -> double& { return h.fp8_flops; }, 2e13, 1e6, 1e18, 0.2, "FLOP/s"},
    {"memory_bandwidth", [](hardware& h) -> double& { return h.memory_bandwidth; }, 1e12, 1e3, 1e14, 0.3, "bytes/s"},
    {"launch", [](hardware& h) -> double& { return h.launch; }, 5e-4, 0, 10, 1, "s"},
    {"launch_ends", [](hardware& h) -> double& { return h.launch_ends; }, 5e-4, 0, 10, 1, "s"},
    {"launch_slices", [](hardware& h) -> double& { return h.launch_slices; }, 0.04, 0, 10, 0.35, ""},
    {"multiprocessors", [](hardware& h) -> double& { return h.multiprocessors; }, 108, 0, 1e6, 0.1, ""},
    {"tile_rows", [](hardware& h) -> double& { return h.tile_rows; }, 128, 1, 65536, 0.5, ""},
    {"tile_columns", [](hardware& h) -> double& { return h.tile_columns; }, 128, 1, 65536, 0.5, ""},
    {"unaligned", [](hardware& h) -> double& { return h.unaligned; }, 2, 1, 16, 0.5, ""},
    {"exchange_latency", [](hardware& h) -> double& { return h.exchange_latency; }, 1e-4, 0, 10, 1, "s"},
    {"step_overhead", [](hardware& h) -> double& { return h.step_overhead; }, 1e-3, 0, 1e4, 1.5, "s"},
    {"update_bandwidth", [](hardware& h) -> double& { return h.update_bandwidth; }, 5e11, 1e3, 1e14, 0.5, "bytes/s"},
    {"overlap_slowdown", [](hardware& h) -> double& { return h.overlap_slowdown; }, 1.2, 0.1, 100, 0.3, ""},
    {"blocking", [](hardware& h) -> double& { return h.blocking; }, 0.5, 0, 1, 1, ""},
    {"reduction_blocking", [](hardware& h) -> double& { return h.reduction_blocking; }, 0.5, 0, 1, 1, ""},
    {"collective", [](hardware& h) -> double& { return h.collective; }, 1, 0.01, 100, 0.5, ""},
    {"inside.latency", [](hardware& h) -> double& { return h.inside.latency; }, 1e-5, 0, 10, 1, "s"},
    {"inside.bandwidth", [](hardware& h) -> double& { return h.inside.bandwidth; }, 5e10, 1e3, 1e14, 0.5, "bytes/s"},
    {"between.latency", [](hardware& h) -> double& { return h.between.latency; }, 1e-4, 0, 10, 1, "s"},
    {"between.bandwidth", [](hardware& h) -> double& { return h.between.bandwidth; }, 5e9, 1e3, 1e14, 0.7, "bytes/s"},
    {"node_bandwidth", [](hardware& h) -> double& { return h.node_bandwidth; }, 1e10, 1e3, 1e15, 0.5, "bytes/s"},
}};

/// Returns the number of that name; null if there is none.
[[nodiscard]] constexpr const hardware_number* find_hardware_number(std::string_view name) noexcept {
    const auto* const end = hardware_numbers.data() + hardware_numbers.size();
    const auto* const found =
        std::find_if(hardware_numbers.data(), end, [&](const hardware_number& n) { return n.name == name; });
    return found == end ? nullptr : found;
}

/// The seconds that a layer takes for one micro-batch.
struct layer_seconds {
    double forward = 0;          ///< seconds of the forward
    double input_gradient = 0;   ///< seconds of the input half of the backward
    double weight_gradient = 0;  ///< seconds of the weight half
    double selective = 0;        ///< seconds that a selective recompute adds to the backward
};

}  // namespace chimera
