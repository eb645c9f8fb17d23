// SPDX-License-Identifier: Apache-2.0
// Slots per second of `generate` at run time, for every family, memory fresh from the allocator. Budget: linear in slots,
// 50 million a second, 5 million where slots are moved one by one (split bidirectional, families with ticks).
#include <chimera/schedule.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

using namespace chimera;

template <class Spec>
void run(benchmark::State& state, const Spec& spec) {
    for (auto _ : state) {
        schedule made = generate(spec);
        benchmark::DoNotOptimize(made.entries.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(spec.slot_count()));
}

template <class Spec, int StagesPerWorker = 1>
void generate_family(benchmark::State& state) {
    run(state, Spec{.stages = StagesPerWorker * static_cast<int>(state.range(0)),
                    .micro_batches = static_cast<int>(state.range(1))});
}

template <scale Scale, int Pipelines>
void generate_bidirectional(benchmark::State& state) {
    run(state, bidirectional{.stages = static_cast<int>(state.range(0)),
                             .micro_batches = static_cast<int>(state.range(1)),
                             .pipelines = Pipelines,
                             .scale = Scale});
}

void generate_split_bidirectional(benchmark::State& state) {
    run(state, bidirectional{.stages = static_cast<int>(state.range(0)),
                             .micro_batches = static_cast<int>(state.range(1)),
                             .split = true});
}

/// An order for given ticks.
template <class Spec, int StagesPerWorker = 1>
void generate_timed(benchmark::State& state) {
    run(state, Spec{.stages = StagesPerWorker * static_cast<int>(state.range(0)),
                    .micro_batches = static_cast<int>(state.range(1)),
                    .forward_ticks = 10,
                    .input_ticks = 13,
                    .weight_ticks = 7,
                    .hop_ticks = 2});
}

void generate_data_parallel(benchmark::State& state) {
    run(state,
        data_parallel{.micro_batches = static_cast<int>(state.range(1)), .width = static_cast<int>(state.range(0))});
}

/// Workers × micro-batches.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"workers", "micro_batches"})->Unit(benchmark::kMillisecond);
    suite->Args({8, 32})->Args({64, 256})->Args({64, 4096})->Args({256, 2048})->Args({1024, 8192});
}

BENCHMARK(generate_family<gpipe>)->Apply(sizes);
BENCHMARK(generate_family<one_f_one_b>)->Apply(sizes);
BENCHMARK(generate_bidirectional<scale::direct, 2>)->Apply(sizes);
BENCHMARK(generate_bidirectional<scale::direct, 8>)->Apply(sizes);
BENCHMARK(generate_bidirectional<scale::doubling, 2>)->Apply(sizes);
BENCHMARK(generate_bidirectional<scale::halving, 2>)->Apply(sizes);
BENCHMARK(generate_data_parallel)->Apply(sizes);
BENCHMARK(generate_family<gems>)->Apply(sizes);
BENCHMARK(generate_family<pipedream>)->Apply(sizes);
BENCHMARK(generate_family<pipedream_2bw>)->Apply(sizes);
BENCHMARK(generate_family<interleaved, 2>)->Apply(sizes);
BENCHMARK(generate_family<breadth_first, 2>)->Apply(sizes);
BENCHMARK(generate_family<wave, 2>)->Apply(sizes);
BENCHMARK(generate_family<bitpipe, 2>)->Apply(sizes);
BENCHMARK(generate_family<zb_h1>)->Apply(sizes);
BENCHMARK(generate_family<zb_h2>)->Apply(sizes);
BENCHMARK(generate_family<zb_interleaved, 2>)->Apply(sizes);
BENCHMARK(generate_family<v_1f1b, 2>)->Apply(sizes);
BENCHMARK(generate_timed<zb_h1>)->Apply(sizes);
BENCHMARK(generate_timed<zb_h2>)->Apply(sizes);
BENCHMARK(generate_timed<zb_interleaved, 2>)->Apply(sizes);
BENCHMARK(generate_timed<zb_v, 2>)->Apply(sizes);
BENCHMARK(generate_timed<v_half, 2>)->Apply(sizes);
BENCHMARK(generate_timed<v_min, 2>)->Apply(sizes);
BENCHMARK(generate_timed<v_1f1b, 2>)->Apply(sizes);
BENCHMARK(generate_family<zb_v, 2>)->Apply(sizes);
BENCHMARK(generate_family<v_half, 2>)->Apply(sizes);
BENCHMARK(generate_family<v_min, 2>)->Apply(sizes);
BENCHMARK(generate_family<dualpipe>)->Apply(sizes);
BENCHMARK(generate_family<dualpipe_v, 2>)->Apply(sizes);
BENCHMARK(generate_split_bidirectional)->Apply(sizes);

}  // namespace
