// SPDX-License-Identifier: Apache-2.0
// Predicting measured iterations by simulation, and fitting a hardware to them.
#include <chimera/calibrate/fit_hardware.hpp>
#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/model/gpt2.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace chimera;

/// Rows such as those of a node of 8 GPUs: tensor · data · pipeline parallelism, 4 to 32 micro-batches, four depths.
predictor rows_of(std::size_t count) {
    std::vector<model> models;
    for (const int layers : {12, 16, 20, 24}) models.push_back(gpt2({.layers = layers, .heads = 16, .channels = 2048}));
    std::vector<measurement> rows;
    while (rows.size() < count)
        for (const int tensor : {1, 2, 4})
            for (const int stages : {1, 2, 4})
                for (const int micro_batches : {4, 8, 32})
                    for (std::size_t m = 0; m < models.size() && rows.size() < count; ++m) {
                        measurement row;
                        row.model = m;
                        row.with.schedule = {.stages = stages, .micro_batches = micro_batches};
                        row.with.tensor = tensor;
                        row.with.micro_batch = 1 + static_cast<int>(rows.size() % 8);
                        row.workers_per_node = 16;
                        row.seconds = 1;
                        rows.push_back(row);
                    }
    predictor exact(models, rows);
    hardware truth = a100_nodes;
    truth.flops = 2.2e14;
    truth.launch = 8e-4;
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i].seconds = exact.seconds(i, truth) * (1 + 0.02 * (static_cast<double>(i * 7 % 11) - 5) / 5);
    return {models, rows};
}

void predict(benchmark::State& state) {
    predictor rows = rows_of(1000);
    for (auto _ : state)
        for (std::size_t i = 0; i < rows.size(); ++i) benchmark::DoNotOptimize(rows.seconds(i, a100_nodes));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows.size()));
}

void fit(benchmark::State& state) {
    predictor rows = rows_of(static_cast<std::size_t>(state.range(0)));
    std::vector<const hardware_number*> numbers;
    for (const char* name : {"flops", "memory_bandwidth", "launch", "launch_ends", "launch_slices", "unaligned",
                             "exchange_latency", "update_bandwidth", "collective"})
        numbers.push_back(find_hardware_number(name));
    for (auto _ : state)
        benchmark::DoNotOptimize(calibrate(rows, a100_nodes, numbers, {.folds = 5, .tolerable = 0.02}).fit.mean);
    state.SetLabel("10 numbers, whole and five folds");
}

BENCHMARK(predict)->Unit(benchmark::kMillisecond);
BENCHMARK(fit)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
