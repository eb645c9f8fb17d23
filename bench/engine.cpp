// SPDX-License-Identifier: Apache-2.0
// What the engine adds to a schedule. emulated: slots of 10 ms that use no core; measured iteration / simulated
// makespan, budget 1.02. overhead: slots that take no time; what an instruction and a slot cost the engine itself.
#include <executor/communicate/local/local.hpp>
#include <executor/engine/emulated_stage.hpp>
#include <executor/engine/engine.hpp>

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/simulate/simulate.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace {

using namespace chimera;
using namespace chimera::executor;

constexpr double slot_seconds = 0.010;
constexpr int workers = 8;
constexpr int micro_batches = 32;

template <class Spec>
program lowered() {
    return lower(generate(Spec{.stages = workers, .micro_batches = micro_batches}));
}

/// Runs a program with emulated stages; all of a worker's stages are alike.
struct rig {
    rig(const program& p, const emulation& what, engine_options options)
        : stages(workers, emulated_stage(what)), world(workers),
          run(
              p, [this](int w, int) { return &stages[static_cast<std::size_t>(w)]; }, world.ends(),
              std::move(options)) {}
    std::vector<emulated_stage> stages;
    local_world world;
    engine run;
};

double makespan_of(const timeline& t) { return std::ranges::max_element(t.steps, {}, &step::end)->end; }

/// `cores`: the gate; the simulation has as many.
template <class Spec>
void emulated(benchmark::State& state) {
    const program p = lowered<Spec>();
    const int cores = static_cast<int>(state.range(0));
    rig r(p, {.forward = slot_seconds, .backward = slot_seconds}, {.cores = cores});
    const double simulated = makespan_of(simulate(p, {.forward = slot_seconds, .backward = slot_seconds}, cores));
    double total = 0, best = 1e9;
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        r.run.run_iteration();
        const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        state.SetIterationTime(took);
        total += took;
        best = std::min(best, took);
    }
    const double mean = total / static_cast<double>(state.iterations());
    state.counters["simulated_ms"] = simulated * 1e3;
    state.counters["measured/simulated"] = mean / simulated;
    state.counters["best/simulated"] = best / simulated;
}

template <class Spec>
void overhead(benchmark::State& state) {
    const program p = lowered<Spec>();
    rig r(p, {}, {});
    const auto slots = static_cast<double>(r.run.run_iteration().steps.size());
    const auto processor = [] {
        timespec t{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
    };
    const double before = processor();
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) r.run.run_iteration();
    const double wall = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    const double all = slots * static_cast<double>(state.iterations());
    state.counters["cpu_us/slot"] = (processor() - before) / all;
    state.counters["wall_us/slot"] = wall / all;
}

void few(benchmark::internal::Benchmark* b) {
    b->ArgName("cores")->Arg(0)->Arg(2)->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
}
BENCHMARK(emulated<one_f_one_b>)->Apply(few);
BENCHMARK(emulated<bidirectional>)->Apply(few);
BENCHMARK(overhead<one_f_one_b>)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(overhead<bidirectional>)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
