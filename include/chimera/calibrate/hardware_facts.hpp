// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chimera {

/// The way in which a number of the catalogue is known.
enum class origin : unsigned char {
    measured,  ///< by the source
    sheet,     ///< of the maker's data sheet
    derived,   ///< computed from such numbers, as its note says
    fitted,    ///< by `chimera calibrate` to published rows, or the start of such a fit
    assumed,   ///< nothing public says it
};

/// Returns the origin in words.
[[nodiscard]] constexpr std::string_view name(origin known) noexcept {
    constexpr std::string_view names[] = {"measured", "data sheet", "derived", "fitted", "assumed"};
    return names[static_cast<int>(known)];
}

/// A number, how it is known, and where from.
struct sourced {
    double value = 0;              ///< in the unit of the number
    origin how = origin::assumed;  ///< origin of the value
    std::string_view note{};       ///< the measurement, or the numbers that it is computed from
    std::string_view source{};     ///< an address; empty where the note says all
};

/// A device as its data sheet and measurements describe it.
struct device_facts {
    std::string_view what;                ///< the maker's name
    sourced memory;                       ///< bytes that a program can allocate
    sourced peak;                         ///< FLOP/s of dense products of 16-bit numbers
    sourced flops;                        ///< FLOP/s that large products of 16-bit numbers sustain
    sourced fp8_peak{};                   ///< FLOP/s of dense products of 8-bit floating-point numbers; 0: it has none
    sourced fp8_flops{};                  ///< FLOP/s that large products of such numbers sustain; 0: it has none
    sourced memory_bandwidth;             ///< bytes/s of the device's memory
    int multiprocessors = 0;              ///< tiles that run at a time
    int tile_rows = 0, tile_columns = 0;  ///< of a product's output; assumed: common tiles of the maker's library
};

/// A node's links. Bandwidths are of one direction.
struct node_facts {
    std::string_view what;    ///< links in words
    int workers = 1;          ///< devices of a node
    std::string_view sheet;   ///< the address of what the maker says of the node
    sourced inside_latency;   ///< seconds of a message in a node
    sourced message;          ///< bytes/s of one message between two workers of a node
    sourced all_reduce;       ///< bytes/s over which an all-reduce of the whole node runs as a ring
    sourced between_latency;  ///< seconds of a message between nodes
    sourced between;          ///< bytes/s of one worker to other nodes
    sourced node_bandwidth;   ///< bytes/s of all workers of a node to other nodes
};

namespace detail {

// Addresses of the sources.
inline constexpr std::string_view from_table =  // "MAMF": mean of 100 products, best of many shapes
    "https://github.com/stas00/ml-engineering/tree/744d01e/compute/accelerator";
inline constexpr std::string_view from_network = "https://github.com/stas00/ml-engineering/tree/744d01e/network";
inline constexpr std::string_view from_nccl = "https://github.com/NVIDIA/nccl/blob/5067397/src/graph/tuning.cc";
inline constexpr std::string_view from_nccl_links = "https://github.com/NVIDIA/nccl/tree/5067397/src/graph";
inline constexpr std::string_view p100_sheet = "https://www.nvidia.com/en-us/data-center/tesla-p100/";
inline constexpr std::string_view v100_sheet = "https://www.nvidia.com/en-us/data-center/v100/";
inline constexpr std::string_view a100_sheet = "https://www.nvidia.com/en-us/data-center/a100/";
inline constexpr std::string_view h100_sheet = "https://www.nvidia.com/en-us/data-center/h100/";
inline constexpr std::string_view h200_sheet = "https://www.nvidia.com/en-us/data-center/h200/";
inline constexpr std::string_view b200_sheet = "https://resources.nvidia.com/en-us-dgx-systems/dgx-b200-datasheet";
inline constexpr std::string_view b200_query = "https://github.com/pytorch/ao/pull/4002";
inline constexpr std::string_view l40s_sheet = "https://www.nvidia.com/en-us/data-center/l40s/";
inline constexpr std::string_view mi300x_sheet =
    "https://www.amd.com/en/products/accelerators/instinct/mi300/mi300x.html";
inline constexpr std::string_view dgx_1 = "https://docs.nvidia.com/dgx/dgx1-user-guide/";
inline constexpr std::string_view dgx_a100 = "https://docs.nvidia.com/dgx/dgxa100-user-guide/";
inline constexpr std::string_view dgx_h100 = "https://docs.nvidia.com/dgx/dgxh100-user-guide/";  // and H200
inline constexpr std::string_view dgx_b200 = "https://docs.nvidia.com/dgx/dgxb200-user-guide/";
inline constexpr std::string_view mi300x_platform =
    "https://www.amd.com/en/products/accelerators/instinct/mi300/platform.html";
inline constexpr std::string_view g6e_sheet = "https://aws.amazon.com/ec2/instance-types/g6e/";

/// Takes GiB that PyTorch prints as a device's total capacity when memory runs out.
constexpr sourced capacity(double gib, std::string_view source) {
    return {gib * 0x1p30, origin::measured, "the device's capacity as programs report it", source};
}
constexpr sourced of_sheet(double value, std::string_view source, std::string_view note = "") {
    return {value, origin::sheet, note, source};
}
constexpr sourced of_products(double flops, std::string_view note = "products in bf16, the best of many shapes") {
    return {flops, origin::measured, note, from_table};
}
/// A share of the peak, as A100, H100 and B200 reach 0.87, 0.80 and 0.78.
constexpr sourced assumed_share(double peak) {
    return {0.8 * peak, origin::assumed, "0.8 of the peak; measured on A100, H100, B200: 0.87, 0.80, 0.78", {}};
}
constexpr sourced of_fp8(double flops, std::string_view note = "products in fp8 (e4m3), the best of many shapes") {
    return {flops, origin::measured, note, from_table};
}
/// So many times the rate of products in 16 bits as on H100 (1,402.6 of 794.5; H200: 1.83, B200: 1.97 times).
constexpr sourced assumed_fp8(double flops) {
    return {1402.6 / 794.5 * flops, origin::assumed, "1.77 times products in 16 bits, as measured on H100", {}};
}
constexpr std::string_view dense = "dense: half of what it states with sparsity";

}  // namespace detail

// The data sheets' traps: FLOP/s with sparsity are twice those of dense products; the bandwidth of NVLink and Infinity
// Fabric is that of both directions; GB of HBM are nearer to GiB than to 1e9 bytes, but not all of it can be allocated.

/// The NVIDIA P100 PCIe with 16 GB, in 32 bits.
inline constexpr device_facts p100_device{
    .what = "NVIDIA P100 PCIe, 16 GB",
    .memory = {16e9, origin::sheet, "16 GB, counted as 1e9 bytes", detail::p100_sheet},
    .peak = {9.3e12, origin::sheet, "in 32 bits", detail::p100_sheet},
    .flops = {5e12, origin::fitted, "in 32 bits: the start of fits to the Chimera paper's rows", {}},
    .memory_bandwidth = detail::of_sheet(732e9, detail::p100_sheet),
    .multiprocessors = 56,
    .tile_rows = 128,
    .tile_columns = 64};

/// The NVIDIA V100 SXM2 with 16 GB.
inline constexpr device_facts v100_16_device{
    .what = "NVIDIA V100 SXM2, 16 GB",
    .memory = detail::capacity(15.78, "https://github.com/kchengiva/Shift-GCN/issues/34"),
    .peak = detail::of_sheet(125e12, detail::v100_sheet, "fp16 on tensor cores"),
    .flops = detail::assumed_share(125e12),
    .memory_bandwidth = detail::of_sheet(900e9, detail::v100_sheet),
    .multiprocessors = 80,
    .tile_rows = 256,
    .tile_columns = 128};

/// The NVIDIA V100 SXM2 with 32 GB.
inline constexpr device_facts v100_32_device = [] {
    device_facts out = v100_16_device;
    out.what = "NVIDIA V100 SXM2, 32 GB";
    out.memory = detail::capacity(31.74, "https://github.com/liucongg/ChatGLM-Finetuning/issues/73");
    return out;
}();

/// The NVIDIA A100 SXM4 with 80 GB.
inline constexpr device_facts a100_80_device{
    .what = "NVIDIA A100 SXM4, 80 GB",
    .memory = {85198045184, origin::measured, "the device's capacity as programs report it",
               "https://gist.github.com/gengwg/3520df2ebf8872e5ee4818367e3a4122"},
    .peak = detail::of_sheet(312e12, detail::a100_sheet, detail::dense),
    .flops = detail::of_products(271.2e12),
    .memory_bandwidth = detail::of_sheet(2039e9, detail::a100_sheet),
    .multiprocessors = 108,
    .tile_rows = 256,
    .tile_columns = 128};

/// The NVIDIA A100 SXM4 with 40 GB.
inline constexpr device_facts a100_40_device = [] {
    device_facts out = a100_80_device;
    out.what = "NVIDIA A100 SXM4, 40 GB";
    out.memory = detail::capacity(39.50, "https://github.com/TianheWu/CoSeR/issues/10");
    out.flops = detail::of_products(271.2e12, "products in bf16, the best of many shapes, on A100 SXM");
    out.memory_bandwidth = detail::of_sheet(1555e9, detail::a100_sheet);
    return out;
}();

/// The NVIDIA H100 SXM5 with 80 GB.
inline constexpr device_facts h100_device{
    .what = "NVIDIA H100 SXM5, 80 GB",
    .memory = detail::capacity(79.11, "https://github.com/vllm-project/vllm/issues/27508"),
    .peak = detail::of_sheet(989e12, detail::h100_sheet, detail::dense),
    .flops = detail::of_products(794.5e12),
    .fp8_peak = detail::of_sheet(1979e12, detail::h100_sheet, detail::dense),
    .fp8_flops = detail::of_fp8(1402.6e12),
    .memory_bandwidth = detail::of_sheet(3350e9, detail::h100_sheet),
    .multiprocessors = 132,
    .tile_rows = 256,
    .tile_columns = 128};

/// The NVIDIA H200 SXM with 141 GB.
inline constexpr device_facts h200_device = [] {
    device_facts out = h100_device;
    out.what = "NVIDIA H200 SXM, 141 GB";
    out.memory = detail::capacity(139.80, "https://github.com/stas00/ml-engineering/blob/744d01e/debug/pytorch.md");
    out.peak = detail::of_sheet(989e12, detail::h200_sheet, detail::dense);
    out.flops = detail::of_products(794.5e12, "products in bf16: as on H100, says the source");
    out.fp8_peak = detail::of_sheet(1979e12, detail::h200_sheet, detail::dense);
    out.fp8_flops = detail::of_fp8(1453.4e12);
    out.memory_bandwidth = detail::of_sheet(4800e9, detail::h200_sheet);
    return out;
}();

/// The NVIDIA B200 SXM with 180 GB.
inline constexpr device_facts b200_device{
    .what = "NVIDIA B200 SXM, 180 GB",
    .memory = detail::capacity(178.35, detail::b200_query),
    .peak = detail::of_sheet(2250e12, detail::b200_sheet, detail::dense),
    .flops = detail::of_products(1745e12),
    .fp8_peak = detail::of_sheet(4500e12, detail::b200_sheet, detail::dense),
    .fp8_flops = detail::of_fp8(3432.5e12),
    .memory_bandwidth = {7672e9, origin::derived, "7,680 bits × 3,996 MHz × 2 / 8 (the sheet of DGX B200 says 8 TB/s)",
                         detail::b200_query},
    .multiprocessors = 148,
    .tile_rows = 256,
    .tile_columns = 128};

/// The NVIDIA L40S with 48 GB.
inline constexpr device_facts l40s_device{
    .what = "NVIDIA L40S, 48 GB, PCIe 4",
    .memory = detail::capacity(44.42, "https://github.com/stepfun-ai/Step-Video-T2V/issues/8"),
    .peak = detail::of_sheet(362.05e12, detail::l40s_sheet, detail::dense),
    .flops = detail::assumed_share(362.05e12),
    .fp8_peak = detail::of_sheet(733e12, detail::l40s_sheet, detail::dense),
    .fp8_flops = detail::assumed_fp8(0.8 * 362.05e12),
    .memory_bandwidth = detail::of_sheet(864e9, detail::l40s_sheet),
    .multiprocessors = 142,
    .tile_rows = 256,
    .tile_columns = 128};

/// The AMD Instinct MI300X with 192 GB.
inline constexpr device_facts mi300x_device{
    .what = "AMD Instinct MI300X, 192 GB",
    .memory = {201310208.0 * 1024, origin::measured, "the device's pool as rocminfo reports it",
               "https://github.com/ROCm/rocm-examples/issues/187"},
    .peak = detail::of_sheet(1307.4e12, detail::mi300x_sheet),
    .flops = detail::of_products(668.4e12),
    .fp8_peak = detail::of_sheet(2614.9e12, detail::mi300x_sheet),
    .fp8_flops = detail::assumed_fp8(668.4e12),
    .memory_bandwidth = detail::of_sheet(5300e9, detail::mi300x_sheet),
    .multiprocessors = 304,
    .tile_rows = 256,
    .tile_columns = 256};

}  // namespace chimera
