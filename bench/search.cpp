// SPDX-License-Identifier: Apache-2.0
// The search's two inner loops (passes per second) and its bounds.
#include <chimera/search.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace chimera;
using namespace chimera::detail::seek;

instance instance_of(const benchmark::State& state) {
    search_problem of;
    of.stages = static_cast<int>(state.range(0));
    of.micro_batches = 4 * of.stages;
    of.cost.forward = 18.513;
    of.cost.input_gradient = 18.086;
    of.cost.weight_gradient = 9.331;
    of.cost.transfer = 0.626;
    of.memory = {2.0 * of.stages};
    of.placement = state.range(1) == 0 ? placing::linear : placing::overlay;
    return lay_out(of);
}

void greedy(benchmark::State& state) {
    const instance in = instance_of(state);
    const rules by = plain_rules(in, 1, false, 0, unbounded, 0);
    greedy_player player(in);
    order rows;
    for (auto _ : state) benchmark::DoNotOptimize(player.build(by, rows));
    state.SetItemsProcessed(state.iterations() * in.passes());
}

void play(benchmark::State& state) {
    const instance in = instance_of(state);
    order rows;
    greedy_player(in).build(plain_rules(in, 1, false, 0, unbounded, 0), rows);
    order_player player(in);
    value out;
    for (auto _ : state) benchmark::DoNotOptimize(player.play(rows, out));
    state.SetItemsProcessed(state.iterations() * in.passes());
}

void bound(benchmark::State& state) {
    const instance in = instance_of(state);
    for (auto _ : state) benchmark::DoNotOptimize(find_bounds(in));
}

BENCHMARK(greedy)->ArgsProduct({{8, 32}, {0, 1}});
BENCHMARK(play)->ArgsProduct({{8, 32}, {0, 1}});
BENCHMARK(bound)->ArgsProduct({{8, 32}, {0, 1}});

}  // namespace
