// SPDX-License-Identifier: Apache-2.0
#include "suites.hpp"

#include <executor/device/cuda/check.hpp>

#include <algorithm>

namespace chimera::bench {

using executor::detail::check;

double peak_of(std::string_view gpu) {
    const auto is = [&](const char* name) { return gpu.find(name) != gpu.npos; };
    if (is("H200") || is("H100 80GB HBM3") || is("H100 SXM")) return 989e12;
    if (is("H100 PCIe")) return 756e12;
    if (is("A100")) return 312e12;
    return 0;
}

spread spread_of(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return {seconds[(seconds.size() - 1) / 2], seconds.front(), seconds.back(), static_cast<int>(seconds.size())};
}

spread timed(void* stream, int warm, int count, const std::function<void()>& run) {
    auto* const on = static_cast<cudaStream_t>(stream);
    cudaEvent_t begin = nullptr, end = nullptr;
    check(cudaEventCreate(&begin), "timing");
    check(cudaEventCreate(&end), "timing");
    std::vector<double> seconds;
    for (int i = 0; i < warm + count; ++i) {
        check(cudaEventRecord(begin, on), "timing");
        run();
        check(cudaEventRecord(end, on), "timing");
        check(cudaEventSynchronize(end), "timing");
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
        if (i >= warm) seconds.push_back(1e-3 * milliseconds);
    }
    check(cudaEventDestroy(begin), "timing");
    check(cudaEventDestroy(end), "timing");
    return spread_of(std::move(seconds));
}

double step_flops(const executor::gpt2_config& config, double rows, double tokens) {
    const double c = config.channels;
    return 6 * rows * (config.layers * (12 * c * c + tokens * c) + c * config.vocabulary);
}

}  // namespace chimera::bench
