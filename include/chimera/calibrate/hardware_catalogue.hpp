// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/calibrate/node_facts.hpp>

#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace chimera {

/// A hardware by name: a device with the links of its usual node, or such a node as a whole.
struct catalogued_hardware {
    std::string_view name;            ///< as command lines have it
    const device_facts* device;       ///< device of each worker
    const node_facts* node;           ///< links of its usual node; null where `start` has them
    int workers_per_node = 0;         ///< 0: the name is a device's, and says nothing of nodes
    const hardware* start = nullptr;  ///< numbers that fits begin at, in place of those of the device and its links
};

namespace detail {

// The passes bound by memory and the optimiser reach these parts of an A100's 2.039 TB/s where the model is fitted to
// vTrain's rows (docs/calibration.md: 1.212 and 1.148 TB/s). They hold for what the model counts, and are taken over
// to other devices.
inline constexpr double traffic_share = 0.59, update_share = 0.56;

inline constexpr device_facts v100_fitted{
    .what = "NVIDIA V100, in 32 bits",
    .memory = {0, origin::assumed, "16 or 32 GB: say which", {}},
    .peak = {15.7e12, origin::sheet, "in 32 bits", v100_sheet},
    .flops = {v100_nodes.flops, origin::fitted, "as near to the peak as P100: the start of fits", {}},
    .memory_bandwidth = of_sheet(900e9, v100_sheet),
    .multiprocessors = 80,
    .tile_rows = 128,
    .tile_columns = 64};

inline constexpr device_facts a100_fitted = [] {
    device_facts out = a100_80_device;
    out.flops = {a100_nodes.flops, origin::fitted, "the start of fits to vTrain's rows", {}};
    return out;
}();

}  // namespace detail

/// Returns the numbers of a device behind a node's links. Software (launches, collectives beside what they move) is
/// that of vTrain's rows, as a100_nodes has it. `collective` is the all-reduce of a whole node relative to a message in
/// it.
[[nodiscard]] constexpr hardware hardware_of(const device_facts& device, const node_facts& node) {
    hardware out = a100_nodes;
    out.flops = device.flops.value;
    out.peak = device.peak.value;
    out.fp8_flops = device.fp8_flops.value;
    out.fp8_peak = device.fp8_peak.value;
    out.memory_bandwidth = detail::traffic_share * device.memory_bandwidth.value;
    out.update_bandwidth = detail::update_share * device.memory_bandwidth.value;
    out.multiprocessors = device.multiprocessors;
    out.tile_rows = device.tile_rows;
    out.tile_columns = device.tile_columns;
    out.collective = node.all_reduce.value / node.message.value;
    out.inside = {node.inside_latency.value, node.message.value};
    out.between = {node.between_latency.value, node.between.value};
    out.node_bandwidth = node.node_bandwidth.value;
    return out;
}

/// Returns the numbers of a name.
[[nodiscard]] constexpr hardware numbers_of(const catalogued_hardware& known) {
    return known.start != nullptr ? *known.start : hardware_of(*known.device, *known.node);
}

/// All names. P100, V100 and A100 are the starts of fits. The others are data sheets and public measurements, for
/// products of 16-bit numbers.
inline constexpr std::array hardware_catalogue{
    catalogued_hardware{"P100", &p100_device, nullptr, 0, &p100_nodes},
    catalogued_hardware{"V100", &detail::v100_fitted, nullptr, 0, &v100_nodes},
    catalogued_hardware{"A100", &detail::a100_fitted, nullptr, 0, &a100_nodes},
    catalogued_hardware{"V100-16", &v100_16_device, &dgx_1_node},
    catalogued_hardware{"V100-32", &v100_32_device, &dgx_1_node},
    catalogued_hardware{"A100-40", &a100_40_device, &dgx_a100_node},
    catalogued_hardware{"A100-80", &a100_80_device, &dgx_a100_node},
    catalogued_hardware{"H100", &h100_device, &dgx_h100_node},
    catalogued_hardware{"H200", &h200_device, &dgx_h200_node},
    catalogued_hardware{"B200", &b200_device, &dgx_b200_node},
    catalogued_hardware{"L40S", &l40s_device, &l40s_node},
    catalogued_hardware{"MI300X", &mi300x_device, &mi300x_node},
    catalogued_hardware{"DGX-A100", &a100_80_device, &dgx_a100_node, 8},
    catalogued_hardware{"DGX-H100", &h100_device, &dgx_h100_node, 8},
    catalogued_hardware{"DGX-H200", &h200_device, &dgx_h200_node, 8},
    catalogued_hardware{"DGX-B200", &b200_device, &dgx_b200_node, 8},
    catalogued_hardware{"L40S-8", &l40s_device, &l40s_node, 8},
    catalogued_hardware{"MI300X-8", &mi300x_device, &mi300x_node, 8},
};

/// Returns true if two names differ in nothing but capitals.
[[nodiscard]] constexpr bool same_name(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Returns the hardware of that name, in capitals or not; null if it is not known.
[[nodiscard]] constexpr const catalogued_hardware* find_in_catalogue(std::string_view name) noexcept {
    for (const catalogued_hardware& one : hardware_catalogue)
        if (same_name(one.name, name)) return &one;
    return nullptr;
}

/// One number of a name, as people read it.
struct described_number {
    std::string_view number;  ///< as files call it
    sourced found;            ///< the number with its source
    std::string_view unit;    ///< such as `bytes/s`
};

namespace detail {

/// Says how one of `hardware_numbers` comes about; its value is set by the caller.
constexpr sourced origin_of(const catalogued_hardware& of, std::string_view number) {
    if (of.start != nullptr) return {0, origin::fitted, "where fits begin (docs/calibration.md)", {}};
    const device_facts& d = *of.device;
    const node_facts& n = *of.node;
    if (number == "flops") return d.flops;
    if (number == "fp8_flops") return d.fp8_flops;
    if (number == "memory_bandwidth")
        return {0, origin::derived, "0.59 of the memory's, as vTrain's rows fit on A100", {}};
    if (number == "update_bandwidth")
        return {0, origin::derived, "0.56 of the memory's, as vTrain's rows fit on A100", {}};
    if (number == "multiprocessors") return {0, origin::sheet, "of the device", d.peak.source};
    if (number == "tile_rows" || number == "tile_columns")
        return {0, origin::assumed, "common tiles of 16-bit products", {}};
    if (number == "collective") return n.all_reduce;
    if (number == "inside.latency") return n.inside_latency;
    if (number == "inside.bandwidth") return n.message;
    if (number == "between.latency") return n.between_latency;
    if (number == "between.bandwidth") return n.between;
    if (number == "node_bandwidth") return n.node_bandwidth;
    return {0, origin::fitted, "software of vTrain's rows, as on A100", {}};
}

}  // namespace detail

/// Returns the numbers of a name with their sources: those of the device, then all of `hardware_numbers` that differ
/// from the defaults.
[[nodiscard]] inline std::vector<described_number> describe(const catalogued_hardware& known) {
    std::vector<described_number> out;
    if (known.device->memory.value > 0) out.push_back({"memory", known.device->memory, "bytes"});
    if (known.workers_per_node > 0)
        out.push_back(
            {"workers_per_node",
             {static_cast<double>(known.workers_per_node), origin::sheet, known.node->what, known.node->sheet},
             ""});
    out.push_back({"peak", known.device->peak, "FLOP/s"});
    if (known.device->fp8_peak.value > 0) out.push_back({"fp8_peak", known.device->fp8_peak, "FLOP/s"});
    out.push_back({"peak of memory", known.device->memory_bandwidth, "bytes/s"});
    hardware numbers = numbers_of(known), usual;
    for (const hardware_number& number : hardware_numbers) {
        const double value = number.of(numbers);
        if (value == number.of(usual) || !std::isfinite(value)) continue;
        sourced found = detail::origin_of(known, number.name);
        found.value = value;
        out.push_back({number.name, found, number.what});
    }
    return out;
}

}  // namespace chimera
