// SPDX-License-Identifier: Apache-2.0
#include <chimera/model/catalogue.hpp>
#include <chimera/plan/closed_form.hpp>
#include <chimera/plan/make_plan.hpp>

#include <benchmark/benchmark.h>

// Plans of GPT-2 with 64 layers on clusters of P100-like nodes over every family and mode, and their parts. All on one core.

namespace {

using namespace chimera;

cluster nodes(int count) {
    cluster out;
    out.nodes = count;
    out.memory = 16 * 0x1p30;
    out.each.flops = 5e12;
    out.each.multiprocessors = 108;
    out.each.step_overhead = 1e-2;
    out.each.between = {1e-5, 5e9};
    return out;
}

plan_request batch_of(std::int64_t samples) {
    plan_request out;
    out.samples = samples;
    return out;
}

/// Workers, samples a worker in an iteration.
void plan_everything(benchmark::State& state) {
    const model what = gpt2(gpt2_64);
    const cluster on = nodes(static_cast<int>(state.range(0)));
    const plan_request asked = batch_of(state.range(0) * state.range(1));
    plan_report last;
    for (auto _ : state) {
        plan_cache memory;
        last = make_plan(what, on, asked, memory);
        benchmark::DoNotOptimize(last);
    }
    state.counters["considered"] = static_cast<double>(last.considered);
    state.counters["simulated"] = static_cast<double>(last.simulated);
    state.counters["slots"] = static_cast<double>(last.slot_total);
}
BENCHMARK(plan_everything)->ArgsProduct({{16, 64, 256, 1024, 2048, 8192}, {1, 4, 8}})->Unit(benchmark::kMillisecond);

/// Sixteen workers to a node, tensor widths up to eight, GPT-3 175B.
void plan_large(benchmark::State& state) {
    const model what = gpt2(gpt3_175b);
    cluster on = nodes(static_cast<int>(state.range(0)) / 8);
    on.workers_per_node = 8;
    on.memory = 80 * 0x1p30;
    on.each.flops = 2e14;
    on.each.inside = {3e-6, 2e11};
    on.each.between = {1e-5, 2.5e10};
    plan_request asked = batch_of(1536);
    asked.tensors = {1, 2, 4, 8};
    plan_report last;
    for (auto _ : state) {
        plan_cache memory;
        last = make_plan(what, on, asked, memory);
        benchmark::DoNotOptimize(last);
    }
    state.counters["considered"] = static_cast<double>(last.considered);
    state.counters["simulated"] = static_cast<double>(last.simulated);
}
BENCHMARK(plan_large)->Arg(512)->Arg(1024)->Arg(2048)->Unit(benchmark::kMillisecond);

enum class event { slower, gone, added };

/// From the earlier plan on, in the same program: a worker at half its speed (0), gone (1), one more (2).
void plan_again(benchmark::State& state) {
    const model what = gpt2(gpt2_64);
    const cluster on = nodes(static_cast<int>(state.range(0)));
    const plan_request asked = batch_of(state.range(0) * 4);
    const auto what_happens = static_cast<event>(state.range(1));
    const cluster changed = what_happens == event::slower ? at_speed(on, 7, 0.5)
                            : what_happens == event::gone ? without(on, 7)
                                                          : with_another(on);
    for (auto _ : state) {
        state.PauseTiming();
        plan_cache memory;
        const plan_report before = make_plan(what, on, asked, memory);
        std::vector<configuration> known;
        for (const ranked& r : before.ranking) known.push_back(r.with);
        state.ResumeTiming();
        benchmark::DoNotOptimize(make_plan(what, changed, asked, memory, known));
    }
}
BENCHMARK(plan_again)->ArgsProduct({{64, 256, 1024, 2048}, {0, 1, 2}})->Iterations(5)->Unit(benchmark::kMillisecond);

/// Configurations a second in closed form: Eq. 1 and memory, over all depths, widths, micro-batches, ZeRO levels and modes.
void closed_forms(benchmark::State& state) {
    const model what = gpt2(gpt2_64);
    const cluster on = nodes(2048);
    std::vector<configuration> all;
    plan_request asked = batch_of(2048 * 8);
    asked.families = {family::gpipe, family::one_f_one_b, family::bidirectional};
    for_each_candidate(asked, on, static_cast<int>(what.layers.size()), [&](configuration& one) {
        if (!closed_counts(one.schedule)) return;
        for (int zero = 0; zero < 4; ++zero)
            for (const auto mode : {chimera::reduction_start::lazy, chimera::reduction_start::eager,
                                    chimera::reduction_start::eager_opt}) {
                one.zero = zero;
                one.synchronisation = mode;
                all.push_back(one);
            }
    });
    closed_form_model sums{layer_sums(what, on.each, 1, 1).of(0, static_cast<int>(what.layers.size())), 4e6,
                           what.bytes};
    double best = 0;
    for (auto _ : state)
        for (const configuration& one : all) {
            const auto found = closed_form(sums, on.each, one);
            if (found && (best == 0 || found->seconds < best)) best = found->seconds;
        }
    benchmark::DoNotOptimize(best);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(all.size()));
}
BENCHMARK(closed_forms);

/// One configuration by simulation, its order known.
void estimate(benchmark::State& state) {
    const model what = gpt2(gpt2_64);
    const cluster on = nodes(1024);
    order_cache orders;
    estimator one(what, on, orders);
    configuration with;
    with.schedule = {.which = family::bidirectional, .stages = 32, .micro_batches = static_cast<int>(state.range(0))};
    with.width = 32;
    for (auto _ : state) benchmark::DoNotOptimize(one(with));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(with.schedule.slot_count()));
}
BENCHMARK(estimate)->Arg(32)->Arg(128)->Arg(512)->Unit(benchmark::kMicrosecond);

}  // namespace
