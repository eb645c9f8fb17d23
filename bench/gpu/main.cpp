// SPDX-License-Identifier: Apache-2.0
// Suites on a GPU, in Markdown:  bench_gpu [products] [blocks] [models [NAME]] [loopback]; none named: all.
#include "suites.hpp"

#include <executor/device/cuda/gpu.hpp>

#include <cstdio>
#include <exception>

int main(int count, char** arguments) {
    using namespace chimera;
    const executor::gpus_found found = executor::find_gpus();
    if (found.all.empty()) {
        std::fprintf(stderr, "bench_gpu: no GPU (%s)\n", found.why.c_str());
        return 2;
    }
    const auto& gpu = found.all.front();
    const double peak = bench::peak_of(gpu.name);
    std::printf("%s, %.0f GiB, driver %d, CUDA %d, cuBLASLt %zu. Peak taken: %.0f TFLOP/s (dense bf16; 0: unknown).\n",
                gpu.name.c_str(), static_cast<double>(gpu.bytes) / 0x1p30, found.driver, found.runtime,
                found.matrix_library, 1e-12 * peak);
    std::printf("Times are medians; spread: slowest less fastest, of the median.\n");
    const auto wanted = [&](std::string_view suite) {
        for (int i = 1; i < count; ++i)
            if (arguments[i] == suite) return true;
        return count == 1;
    };
    std::string_view only;
    for (int i = 1; i + 1 < count; ++i)
        if (std::string_view(arguments[i]) == "models") only = arguments[i + 1];
    if (only == "loopback" || only == "products" || only == "blocks") only = {};
    try {
        if (wanted("products")) bench::products_suite(peak);
        if (wanted("blocks")) bench::blocks_suite(peak);
        if (wanted("models")) bench::models_suite(peak, only);
        if (wanted("loopback")) bench::loopback_suite();
    } catch (const std::exception& failed) {
        std::fprintf(stderr, "bench_gpu: %s\n", failed.what());
        return 3;
    }
}
