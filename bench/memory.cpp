// SPDX-License-Identifier: Apache-2.0
// Memory of workers: slots per second of the peak that the planner asks for, instructions per second of whole timelines, and models
// per second of the catalogue. Budget: the peak linear in slots, 100 million a second.
#include <chimera/core/spec.hpp>
#include <chimera/memory/memory_timeline.hpp>
#include <chimera/model/catalogue.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/zero_bubble.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace chimera;

std::vector<stage_memory> stages_of(int count) {
    const model m = gpt2({.layers = count - 2, .how = {}});
    std::vector<int> cuts;
    for (int s = 0; s <= count; ++s) cuts.push_back(s);
    std::vector<stage_memory> out;
    for (const stage_bytes& s : bytes_of(m, cuts, 1)) out.push_back(memory_of(s, m.bytes, recompute_mode::none, 1, 8));
    return out;
}

template <class Spec>
schedule made(const benchmark::State& state) {
    return generate(
        Spec{.stages = static_cast<int>(state.range(0)), .micro_batches = static_cast<int>(state.range(1))});
}

template <class Spec>
void peak(benchmark::State& state) {
    const schedule of = made<Spec>(state);
    const auto stages = stages_of(of.head.stages);
    std::vector<std::vector<std::int32_t>> held(static_cast<std::size_t>(of.head.workers));
    for (std::int32_t s = 0; s < of.head.stages; ++s)
        for (int p = 0; p < of.head.pipelines; ++p)
            held[static_cast<std::size_t>(of.view().worker_of(p, s))].push_back(s);
    for (auto _ : state) {
        double most = 0;
        for (int w = 0; w < of.head.workers; ++w)
            most = std::max(most, memory_peak(of.view().row(w), stages, held[static_cast<std::size_t>(w)]));
        benchmark::DoNotOptimize(most);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(of.entries.size()));
    state.SetComplexityN(static_cast<std::int64_t>(of.entries.size()));
}

template <class Spec>
void timeline_of(benchmark::State& state) {
    const program of = lower(made<Spec>(state));
    const auto stages = stages_of(of.head.stages);
    for (auto _ : state) {
        auto rows = memory_timeline(of, stages);
        benchmark::DoNotOptimize(rows.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(of.instructions.size()));
    state.SetComplexityN(static_cast<std::int64_t>(of.instructions.size()));
}

void catalogue(benchmark::State& state) {
    for (auto _ : state)
        for (const auto& entry : model_catalogue) {
            model of = entry.make();
            benchmark::DoNotOptimize(of.layers.data());
        }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(model_catalogue.size()));
}

/// Workers × micro-batches.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"workers", "micro_batches"})->Unit(benchmark::kMicrosecond)->Complexity(benchmark::oN);
    suite->Args({8, 32})->Args({64, 256})->Args({64, 4096})->Args({256, 2048});
}

BENCHMARK(peak<one_f_one_b>)->Apply(sizes);
BENCHMARK(peak<bidirectional>)->Apply(sizes);
BENCHMARK(peak<zb_h1>)->Apply(sizes);
BENCHMARK(timeline_of<one_f_one_b>)->Apply(sizes);
BENCHMARK(timeline_of<bidirectional>)->Apply(sizes);
BENCHMARK(catalogue)->Unit(benchmark::kMicrosecond);

}  // namespace
