// SPDX-License-Identifier: Apache-2.0
// Slots per second of `simulate`, on schedules (with and without transfers) and on lowered programs, and of `compact`,
// `lower` and `verify`. Budget of simulate: linear in slots, 50 million a second with communication, 100 million without.
// `simulate_…` returns a timeline in fresh memory, which beyond some 30 MB the system hands out page by page every time;
// `simulate_…_again` writes over the timeline of the run before.
#include <chimera/core/spec.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <utility>

namespace {

using namespace chimera;

enum communication { without_communication, with_communication };

costs stage_costs(communication how) {
    return {.forward = 1e-3, .backward = 2e-3, .transfer = how == with_communication ? 1e-4 : 0.0};
}

template <class Spec>
schedule sized(const benchmark::State& state) {
    return generate(
        Spec{.stages = static_cast<int>(state.range(0)), .micro_batches = static_cast<int>(state.range(1))});
}

void count_slots(benchmark::State& state, const schedule& order) {
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(order.entries.size()));
}

template <class Spec, communication How>
void simulate_schedule(benchmark::State& state) {
    const costs c = stage_costs(How);
    const schedule order = sized<Spec>(state);
    for (auto _ : state) benchmark::DoNotOptimize(simulate(order.view(), c).steps.data());
    count_slots(state, order);
}

template <class Spec, communication How>
void simulate_program(benchmark::State& state) {
    const costs c = stage_costs(How);
    const schedule order = sized<Spec>(state);
    const program lowered = lower(order);
    for (auto _ : state) benchmark::DoNotOptimize(simulate(lowered.view(), c).steps.data());
    count_slots(state, order);
}

template <class Spec, communication How>
void simulate_schedule_again(benchmark::State& state) {
    const costs c = stage_costs(How);
    const schedule order = sized<Spec>(state);
    timeline out = simulate(order.view(), c);
    for (auto _ : state) {
        simulate_into(out, order.view(), c);
        benchmark::DoNotOptimize(out.steps.data());
    }
    count_slots(state, order);
}

template <class Spec, communication How>
void simulate_program_again(benchmark::State& state) {
    const costs c = stage_costs(How);
    const schedule order = sized<Spec>(state);
    const program lowered = lower(order);
    timeline out = simulate(lowered.view(), c);
    for (auto _ : state) {
        simulate_into(out, lowered.view(), c);
        benchmark::DoNotOptimize(out.steps.data());
    }
    count_slots(state, order);
}

/// In place. `with_ticks`: from the ticks it has; else from the order alone, whose ticks are cleared off the clock.
template <class Spec, bool WithTicks>
void compact_schedule(benchmark::State& state) {
    schedule order = sized<Spec>(state);
    for (auto _ : state) {
        if (!WithTicks) {
            state.PauseTiming();
            for (slot& s : order.entries) s.tick = 0;
            state.ResumeTiming();
        }
        order = compact(std::move(order));
        benchmark::DoNotOptimize(order.entries.data());
    }
    count_slots(state, order);
}

void lower_schedule(benchmark::State& state) {
    const schedule order = sized<bidirectional>(state);
    for (auto _ : state) benchmark::DoNotOptimize(lower(order).instructions.data());
    count_slots(state, order);
}

void verify_schedule(benchmark::State& state) {
    const schedule order = sized<bidirectional>(state);
    for (auto _ : state) benchmark::DoNotOptimize(verify(order).ok());
    count_slots(state, order);
}

void verify_program(benchmark::State& state) {
    const schedule order = sized<bidirectional>(state);
    const program lowered = lower(order);
    for (auto _ : state) benchmark::DoNotOptimize(verify(lowered).ok());
    count_slots(state, order);
}

/// Workers × micro-batches.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"workers", "micro_batches"})->Unit(benchmark::kMillisecond);
    suite->Args({8, 32})->Args({64, 256})->Args({64, 4096})->Args({256, 2048})->Args({1024, 8192});
}

void small_sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"workers", "micro_batches"})->Unit(benchmark::kMillisecond);
    suite->Args({8, 32})->Args({64, 256})->Args({64, 4096});
}

BENCHMARK(simulate_schedule<bidirectional, without_communication>)->Apply(sizes);
BENCHMARK(simulate_schedule<bidirectional, with_communication>)->Apply(sizes);
BENCHMARK(simulate_schedule<one_f_one_b, without_communication>)->Apply(sizes);
BENCHMARK(simulate_program<bidirectional, with_communication>)->Apply(sizes);
BENCHMARK(simulate_program<one_f_one_b, with_communication>)->Apply(sizes);
BENCHMARK(simulate_schedule_again<bidirectional, without_communication>)->Apply(sizes);
BENCHMARK(simulate_schedule_again<bidirectional, with_communication>)->Apply(sizes);
BENCHMARK(simulate_program_again<bidirectional, with_communication>)->Apply(sizes);
BENCHMARK(compact_schedule<bidirectional, true>)->Apply(sizes);
BENCHMARK(compact_schedule<bidirectional, false>)->Apply(sizes);
BENCHMARK(lower_schedule)->Apply(small_sizes);
BENCHMARK(verify_schedule)->Apply(small_sizes);
BENCHMARK(verify_program)->Apply(small_sizes);

}  // namespace
