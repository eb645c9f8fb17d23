// SPDX-License-Identifier: Apache-2.0
// What is computed of measurements: needs no CUDA.
#include "suites.hpp"

#include <algorithm>
#include <cstdio>

namespace chimera::bench {

const std::vector<sized_model> models{
    {"124M", {12, 12, 768, 50257, 1024}, 32, 4},
    {"350M", {24, 16, 1024, 50257, 1024}, 16, 4},
    {"1558M", {48, 25, 1600, 50257, 1024}, 8, 4},
};

const std::vector<llama_shape> llamas{{"1.3B", 2048, 5504, 16, 24}, {"7B", 4096, 11008, 32, 32}};

double peak_of(std::string_view gpu) {
    const auto is = [&](const char* name) { return gpu.find(name) != gpu.npos; };
    if (is("MIG")) return 0;  // a part of one
    if (is("H100 NVL") || is("H200 NVL")) return 835e12;
    if (is("H100 PCIe")) return 756e12;
    if (is("H200") || is("H100 80GB HBM3") || is("H100 SXM")) return 989e12;
    if (is("A100")) return 312e12;
    return 0;
}

std::string share(double flops, double seconds, double peak) {
    if (peak <= 0) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * flops / seconds / peak);
    return text;
}

spread spread_of(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    const std::size_t n = seconds.size();
    return {(seconds[(n - 1) / 2] + seconds[n / 2]) / 2, seconds.front(), seconds.back(), static_cast<int>(n)};
}

double step_flops(const gpt2_sizes& config, double rows, double tokens) {
    const double c = config.channels;
    return 6 * rows * (config.layers * (12 * c * c + tokens * c) + c * config.vocabulary);
}

double block_flops(const llama_shape& s, double rows, double tokens) {
    const double c = s.channels;
    return 6 * rows * (4 * c * c + 3 * c * s.hidden + c * tokens);
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return out + "\"";
}

}  // namespace chimera::bench
