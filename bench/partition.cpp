// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/mode_per_stage.hpp>
#include <chimera/partition/shared_workers/shared.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

// Partitions over layers × stages. Layers differ by up to a factor of three unless a name says alike; memory is as
// tight as 1F1B with four fifths of what an even cut would need lets it be. Prefix sums and checks are part of every
// time.

namespace {

using namespace chimera;

/// The same numbers everywhere: 64-bit linear congruences, the upper half.
class numbers {
public:
    double operator()(double from, double to) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return from + (to - from) * static_cast<double>(state_ >> 33) / 2147483648.0;
    }

private:
    std::uint64_t state_ = 4;
};

struct job {
    int layers, stages;
    std::vector<double> seconds, state, activations, in_flight;
    double capacity = 0;

    explicit job(const benchmark::State& of, bool alike = false)
        : layers(static_cast<int>(of.range(0))), stages(static_cast<int>(of.range(1))) {
        numbers any;
        double all = 0;
        for (int l = 0; l < layers; ++l) {
            const bool end = l == 0 || l == layers - 1;
            const double size = alike ? (end ? 0.5 : 1) : any(0.5, 1.5);
            seconds.push_back(1e-3 * size);
            state.push_back(static_cast<double>(static_cast<std::int64_t>(1e8 * size)));
            activations.push_back(static_cast<double>(static_cast<std::int64_t>(1e7 * size)));
            all += state.back() + activations.back() * stages / 2;
        }
        for (int s = 0; s < stages; ++s) in_flight.push_back(stages - s);
        capacity = all / stages * 1.2;
    }
    memory_limits limits() const { return {state, activations, in_flight, capacity, {}}; }
    void say(benchmark::State& of) const {
        of.SetComplexityN(layers);
        of.counters["layers"] = layers;
        of.counters["stages"] = stages;
    }
};

void probe(benchmark::State& state) {
    const job of(state);
    for (auto _ : state) benchmark::DoNotOptimize(partition(of.seconds, of.stages));
    of.say(state);
}
void table(benchmark::State& state) {
    const job of(state);
    for (auto _ : state) benchmark::DoNotOptimize(partition_by_table(of.seconds, of.stages));
    of.say(state);
}
void table_with_boundaries(benchmark::State& state) {
    const job of(state);
    const std::vector<double> sends(of.seconds.size(), 1e-4);
    for (auto _ : state) benchmark::DoNotOptimize(partition_by_table(of.seconds, of.stages, sends));
    of.say(state);
}
void under_memory(benchmark::State& state) {
    const job of(state);
    for (auto _ : state) benchmark::DoNotOptimize(bounded(of.seconds, of.stages, of.limits()));
    of.say(state);
}
void under_memory_by_table(benchmark::State& state) {
    const job of(state);
    for (auto _ : state) benchmark::DoNotOptimize(bounded_by_table(of.seconds, of.stages, of.limits()));
    of.say(state);
}
void mirror(benchmark::State& state) {
    const job of(state, state.range(2) != 0);
    const std::vector<int> on = mirrored(of.stages);
    for (auto _ : state) benchmark::DoNotOptimize(coupled(of.seconds, on));
    of.say(state);
}
void given_order(benchmark::State& state) {
    const job of(state);
    std::vector<device> workers(static_cast<std::size_t>(of.stages));
    for (std::size_t w = 0; w < workers.size(); ++w) workers[w].speed = 1 + 0.1 * static_cast<double>(w % 5);
    const layer_needs needs{of.seconds, {}, {}, {}, {}};
    for (auto _ : state) benchmark::DoNotOptimize(heterogeneous(needs, workers));
    of.say(state);
}
void any_order(benchmark::State& state) {
    const job of(state);
    std::vector<device> workers(static_cast<std::size_t>(of.stages));
    for (std::size_t w = 0; w < workers.size(); ++w)
        workers[w].speed = 1 + 0.3 * static_cast<double>(static_cast<std::int64_t>(w) % state.range(2));
    const layer_needs needs{of.seconds, {}, {}, {}, {}};
    for (auto _ : state) benchmark::DoNotOptimize(best_order(needs, workers));
    of.say(state);
}
void recompute_by_stage(benchmark::State& state) {
    job of(state);
    std::vector<double> selective, all, core, input;
    for (std::size_t l = 0; l < of.seconds.size(); ++l) {
        selective.push_back(0.06 * of.seconds[l]);
        all.push_back(of.seconds[l] / 3);
        core.push_back(0.6 * of.activations[l]);
        input.push_back(0.05 * of.activations[l]);
    }
    of.capacity *= 0.75;
    const std::vector<stage_mode> modes{
        {{}, of.activations, {}, 0, 0}, {selective, core, {}, 0, 0}, {all, input, {}, 0, 0}};
    const stagewise_limits limits{of.state, modes, of.in_flight, of.capacity, {}, {}};
    for (auto _ : state) benchmark::DoNotOptimize(partition_stagewise(of.seconds, of.stages, limits));
    of.say(state);
}

void sizes(benchmark::internal::Benchmark* with) {
    for (const int layers : {128, 512, 2048, 8192, 32768, 65536})
        for (const int stages : {8, 32, 128, 512})
            if (stages < layers && std::int64_t{layers} * stages <= std::int64_t{1} << 24) with->Args({layers, stages});
    with->Args({65536, 512})->Unit(benchmark::kMicrosecond);
}
void small_sizes(benchmark::internal::Benchmark* with) {
    for (const int layers : {128, 512, 2048, 8192, 32768})
        for (const int stages : {8, 32, 128, 512})
            if (stages < layers && std::int64_t{layers} * stages <= std::int64_t{1} << 21) with->Args({layers, stages});
    with->Unit(benchmark::kMicrosecond);
}

BENCHMARK(probe)->Apply(sizes);
BENCHMARK(under_memory)->Apply(sizes);
BENCHMARK(table)->Apply(small_sizes);
BENCHMARK(table_with_boundaries)->Apply(small_sizes);
BENCHMARK(under_memory_by_table)->Apply(small_sizes);
BENCHMARK(given_order)->Apply(small_sizes);
BENCHMARK(recompute_by_stage)->Apply(small_sizes);
BENCHMARK(mirror)  // the last number: whether layers are alike
    ->ArgsProduct({{32, 64, 128, 256, 512}, {4, 8, 16}, {0, 1}})
    ->Args({128, 64, 0})
    ->Args({1024, 32, 0})
    ->Args({2048, 32, 0})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(any_order)  // the last number: types of workers
    ->ArgsProduct({{128, 512}, {8, 16, 32}, {1, 2, 3}})
    ->Args({128, 8, 8})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
