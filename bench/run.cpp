// SPDX-License-Identifier: Apache-2.0
// Measures the walk itself: nanoseconds an instruction of `run` with hooks that only count, and of its set-up. Budget:
// 20 ns an instruction.
#include <chimera/program/lower.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/zero_bubble.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace chimera;

/// Reads a field of every call, so that none is left out.
struct counting {
    std::int64_t sum = 0;
    void forward(const pass_call& p) { sum += p.activations.front(); }
    void backward(const pass_call& p) { sum += p.activations.front(); }
    void input_gradient(const pass_call& p) { sum += p.activations.front(); }
    void weight_gradient(const pass_call& p) { sum += p.activations.front(); }
    void send(const message_call& m) { sum += m.buffer; }
    void receive(const message_call& m) { sum += m.buffer; }
    void start_reduction(const stage_call& s) { sum += s.stage; }
    void wait_reduction(const stage_call& s) { sum += s.stage; }
    void update(const stage_call& s) { sum += s.stage; }
};
struct starting : counting {
    void start(std::span<const message_call> group) { sum += group.front().buffer; }
    void wait(const message_call& m) { sum += m.buffer; }
};

template <class Spec>
program sized(const benchmark::State& state) {
    return lower(
        generate(Spec{.stages = static_cast<int>(state.range(0)), .micro_batches = static_cast<int>(state.range(1))}));
}

void each_instruction(benchmark::State& state, const program& p) {
    using benchmark::Counter;
    const auto rate = Counter::kIsIterationInvariantRate | Counter::kInvert;
    state.counters["s_per_instruction"] = Counter(static_cast<double>(p.instructions.size()), rate);
}

/// All workers' rows, one after another.
template <class Spec, class Hooks>
void walk(benchmark::State& state) {
    const program p = sized<Spec>(state);
    std::vector<run_plan> plans;
    for (int w = 0; w < p.head.workers; ++w) plans.push_back(make_run_plan(p, w));
    Hooks hooks;
    for (auto _ : state) {
        for (const run_plan& plan : plans) run(plan, hooks);
        benchmark::DoNotOptimize(hooks.sum);
    }
    each_instruction(state, p);
}

template <class Spec>
void set_up(benchmark::State& state) {
    const program p = sized<Spec>(state);
    for (auto _ : state)
        for (int w = 0; w < p.head.workers; ++w) benchmark::DoNotOptimize(make_run_plan(p, w).message_buffers);
    each_instruction(state, p);
}

void sizes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"workers", "micro_batches"})->Args({4, 8})->Args({8, 32})->Args({64, 256});
}

BENCHMARK(walk<bidirectional, counting>)->Apply(sizes);
BENCHMARK(walk<bidirectional, starting>)->Apply(sizes);
BENCHMARK(walk<zb_h1, counting>)->Apply(sizes);
BENCHMARK(walk<zb_h1, starting>)->Apply(sizes);
BENCHMARK(set_up<bidirectional>)->Apply(sizes);
BENCHMARK(set_up<zb_h1>)->Apply(sizes);

}  // namespace
