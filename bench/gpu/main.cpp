// SPDX-License-Identifier: Apache-2.0
// Suites on a GPU, in Markdown:  bench_gpu [--quick] [products] [blocks] [llama] [models [NAME]] [loopback]; none named: all.
#include "data.hpp"
#include "suites.hpp"

#include <executor/device/cuda/gpu.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

namespace {

using namespace chimera;

struct suite {
    std::string_view name;
    void (*run)(const bench::settings&);
};
constexpr std::array suites{suite{"products", bench::products_suite}, suite{"blocks", bench::blocks_suite},
                            suite{"llama", bench::llama_suite}, suite{"models", bench::models_suite},
                            suite{"loopback", bench::loopback_suite}};

struct wishes {
    bench::settings how;
    std::array<bool, suites.size()> wanted{};
    std::string_view unknown;
};

/// A word after `models` that names no suite names a model.
wishes read(int count, char** arguments) {
    wishes out;
    bool after_models = false, any = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = arguments[i];
        const auto found = std::ranges::find(suites, word, &suite::name);
        const bool model = std::ranges::any_of(bench::models, [&](const auto& m) { return word == m.name; });
        if (word == "--quick")
            out.how.quick = true;
        else if (found != suites.end())
            any = out.wanted[static_cast<std::size_t>(found - suites.begin())] = true;
        else if (after_models && model)
            out.how.only = word;
        else
            out.unknown = word;
        after_models = word == "models";
    }
    if (!any) out.wanted.fill(true);
    return out;
}

double print_machine() {
    const executor::gpus_found found = executor::find_gpus();
    if (found.all.empty()) {
        std::fprintf(stderr, "bench_gpu: no GPU (%s)\n", found.why.c_str());
        return -1;
    }
    const auto& gpu = found.all.front();
    const double peak = bench::peak_of(gpu.name), gib = static_cast<double>(gpu.bytes) / 0x1p30;
    std::string attention;
    {
        executor::cuda_device<executor::bf16> device;
        attention = device.attention_way(device.prepare(executor::attention_shape{1, 1024, 2, 256}));
    }
    std::printf("%s, %.0f GiB, driver %d, CUDA %d, cuBLASLt %zu, attention by %s.\n", gpu.name.c_str(), gib,
                found.driver, found.runtime, found.matrix_library, attention.c_str());
    std::printf(
        "Peak taken: %.0f TFLOP/s (dense bf16; 0: unknown). Times are medians; spread: slowest less fastest, of "
        "the median.\n",
        1e-12 * peak);
    std::printf(
        "json {\"suite\": \"machine\", \"gpu\": %s, \"gib\": %.1f, \"driver\": %d, \"cuda\": %d, \"cublaslt\": %zu, "
        "\"peak\": %g, \"attention\": %s}\n",
        bench::quoted(gpu.name).c_str(), gib, found.driver, found.runtime, found.matrix_library, peak,
        bench::quoted(attention).c_str());
    return peak;
}

}  // namespace

int main(int count, char** arguments) {
    wishes asked = read(count, arguments);
    if (!asked.unknown.empty()) {
        std::fprintf(stderr,
                     "bench_gpu: unknown word %s (suites: products, blocks, llama, models [NAME], loopback; --quick)\n",
                     std::string(asked.unknown).c_str());
        return 2;
    }
    try {
        asked.how.peak = print_machine();
        if (asked.how.peak < 0) return 2;
        for (std::size_t i = 0; i < suites.size(); ++i)
            if (asked.wanted[i]) suites[i].run(asked.how);
    } catch (const std::exception& failed) {
        std::fflush(stdout);
        std::fprintf(stderr, "bench_gpu: %s\n", failed.what());
        return 3;
    }
}
