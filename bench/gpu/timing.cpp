// SPDX-License-Identifier: Apache-2.0
#include "suites.hpp"

#include <executor/device/cuda/cuda_check.hpp>

#include <utility>

namespace chimera::bench {

using executor::detail::check;

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

}  // namespace chimera::bench
