// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/hardware_facts.hpp>

#include <algorithm>

namespace chimera {

namespace detail {

// The part of a link's line rate that arrives: an H200 copies 396.40 of 450 GB/s to a neighbour, and an all-reduce as a
// ring over 4 × 8 H200 runs at 364.87 of 400 GB/s of a node's network.
inline constexpr double copy_share = 396.40 / 450;
inline constexpr double network_share = 364.87 / 400;

constexpr sourced latency(double inside, std::string_view note) {
    return {inside, origin::derived, note, from_nccl};  // a step's; a ring's start is in exchange_latency
}
inline constexpr sourced nvlink_latency = latency(3.4e-6, "what NCCL 2.30 reckons with for a step over NVLink");
inline constexpr sourced pcie_latency = latency(5.7e-6, "what NCCL 2.30 reckons with for a step over PCIe");
inline constexpr sourced network_latency = latency(14e-6, "what NCCL 2.30 reckons with for a step over a network");

constexpr sourced network(double line_rate, std::string_view note, std::string_view source) {
    return {network_share * line_rate, origin::derived, note, source};
}
constexpr sourced of_ring(double bytes, std::string_view note) { return {bytes, origin::measured, note, from_network}; }

inline constexpr std::string_view ndr = "0.91 of 400 Gbit/s, the share that a ring over 4 × 8 H200 reaches";
inline constexpr std::string_view ndr_8 = "0.91 of 8 × 400 Gbit/s, the share that a ring over 4 × 8 H200 reaches";
inline constexpr std::string_view hdr = "0.91 of 200 Gbit/s, the share that a ring over 4 × 8 H200 reaches";
inline constexpr std::string_view hdr_8 = "0.91 of 8 × 200 Gbit/s, the share that a ring over 4 × 8 H200 reaches";
inline constexpr std::string_view edr = "0.91 of 100 Gbit/s, the share that a ring over 4 × 8 H200 reaches";
inline constexpr std::string_view edr_4 = "0.91 of 4 × 100 Gbit/s, the share that a ring over 4 × 8 H200 reaches";

}  // namespace detail

/// The DGX-1 with V100: a mesh of NVLink 2 in which two devices share one or two of a device's six links.
inline constexpr node_facts dgx_1_node{
    .what = "8 × NVLink 2 in a mesh, 4 × 100 Gbit/s",
    .workers = 8,
    .sheet = detail::dgx_1,
    .inside_latency = detail::nvlink_latency,
    .message = {detail::copy_share * 25e9, origin::derived,
                "0.88 of one link of 25 GB/s, the share that H200 copies at", detail::from_network},
    .all_reduce = {6 * 20e9, origin::derived, "6 links of 20 GB/s, what NCCL 2.30 reckons with",
                   detail::from_nccl_links},
    .between_latency = detail::network_latency,
    .between = detail::network(12.5e9, detail::edr, detail::dgx_1),
    .node_bandwidth = detail::network(50e9, detail::edr_4, detail::dgx_1)};

/// The DGX A100, in which any two of eight devices reach each other over a switch. So it is in its successors. Messages
/// are taken to be as fast as a ring of all, which is what a single copy reaches or somewhat less.
inline constexpr node_facts dgx_a100_node{
    .what = "8 × NVLink 3, 8 × 200 Gbit/s",
    .workers = 8,
    .sheet = detail::dgx_a100,
    .inside_latency = detail::nvlink_latency,
    .message = detail::of_ring(234.89e9, "an all-reduce of 16 GiB over 8 A100, of 300 GB/s"),
    .all_reduce = detail::of_ring(234.89e9, "1: a ring is as fast as a message"),
    .between_latency = detail::network_latency,
    .between = detail::network(25e9, detail::hdr, detail::dgx_a100),
    .node_bandwidth = detail::network(200e9, detail::hdr_8, detail::dgx_a100)};

/// The NVIDIA DGX H200: eight devices.
inline constexpr node_facts dgx_h200_node{
    .what = "8 × NVLink 4, 8 × 400 Gbit/s",
    .workers = 8,
    .sheet = detail::dgx_h100,
    .inside_latency = detail::nvlink_latency,
    .message = detail::of_ring(367.61e9, "an all-reduce of 16 GiB over 8 H200 as a ring, of 450 GB/s"),
    .all_reduce = detail::of_ring(367.61e9, "1: a ring is as fast as a message (482 GB/s where the switch adds)"),
    .between_latency = detail::network_latency,
    .between = detail::network(50e9, detail::ndr, detail::dgx_h100),
    .node_bandwidth = detail::network(400e9, detail::ndr_8, detail::dgx_h100)};

/// The NVIDIA DGX H100: eight devices, with the links of DGX H200.
inline constexpr node_facts dgx_h100_node = [] {
    node_facts out = dgx_h200_node;
    out.message.note = "an all-reduce of 16 GiB over 8 H200, which has the same links, as a ring";
    return out;
}();

/// The NVIDIA DGX B200: eight devices.
inline constexpr node_facts dgx_b200_node{
    .what = "8 × NVLink 5, 8 × 400 Gbit/s",
    .workers = 8,
    .sheet = detail::dgx_b200,
    .inside_latency = detail::nvlink_latency,
    .message = detail::of_ring(682.2e9, "an all-reduce of 8 GiB over 8 B200 as a ring, of 900 GB/s"),
    .all_reduce = detail::of_ring(682.2e9, "1: a ring is as fast as a message (838 GB/s where the switch adds)"),
    .between_latency = detail::network_latency,
    .between = detail::network(50e9, detail::ndr, detail::dgx_b200),
    .node_bandwidth = detail::network(400e9, detail::ndr_8, detail::dgx_b200)};

/// The g6e.48xlarge of Amazon: eight L40S behind PCIe 4, one network of 400 Gbit/s for all.
inline constexpr node_facts l40s_node{
    .what = "8 × PCIe 4, 400 Gbit/s for all",
    .workers = 8,
    .sheet = detail::g6e_sheet,
    .inside_latency = detail::pcie_latency,
    .message = {24e9, origin::derived, "16 lanes of PCIe 4, what NCCL 2.30 reckons with (31.5 GB/s on the line)",
                detail::from_nccl_links},
    .all_reduce = {24e9, origin::assumed, "as a message: no node's all-reduce is public", {}},
    .between_latency = detail::network_latency,
    .between = {24e9, origin::derived, "16 lanes of PCIe 4, what NCCL 2.30 reckons with", detail::from_nccl_links},
    .node_bandwidth = detail::network(50e9, detail::ndr, detail::g6e_sheet)};

/// The platform of eight MI300X: every two share a link of Infinity Fabric, so that an all-reduce of all uses seven
/// links of a device and a message one.
inline constexpr node_facts mi300x_node{
    .what = "8 × Infinity Fabric, 8 × 400 Gbit/s",
    .workers = 8,
    .sheet = detail::mi300x_platform,
    .inside_latency = {3.4e-6, origin::assumed, "as over NVLink", {}},
    .message = detail::of_ring(47.671e9, "all-reduce of 4 GiB over 2 MI300X, of 64 GB/s"),
    .all_reduce = detail::of_ring(312.912e9, "all-reduce of 4 GiB over 8 MI300X, of 448 GB/s"),
    .between_latency = detail::network_latency,
    .between = {detail::network_share * 50e9, origin::assumed, "0.91 of a network of 400 Gbit/s for each device", {}},
    .node_bandwidth = {detail::network_share * 400e9, origin::assumed, "0.91 of 8 × 400 Gbit/s", {}}};

}  // namespace chimera
