// SPDX-License-Identifier: Apache-2.0
// What is computed of measurements: needs no CUDA.
#include "suites.hpp"

#include <algorithm>
#include <cstdio>

namespace chimera::bench {

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
    return {seconds[(seconds.size() - 1) / 2], seconds.front(), seconds.back(), static_cast<int>(seconds.size())};
}

double step_flops(const executor::gpt2_config& config, double rows, double tokens) {
    const double c = config.channels;
    return 6 * rows * (config.layers * (12 * c * c + tokens * c) + c * config.vocabulary);
}

}  // namespace chimera::bench
