// SPDX-License-Identifier: Apache-2.0
// Trains a small model by many schedules, threads as workers, and again on one thread: the same bits.
#include "serial.hpp"
#include "threads.hpp"

#include <chimera/chimera.hpp>

#include <cstdio>
#include <deque>
#include <thread>

using namespace chimera;

constexpr auto& schedule_table = proven<table_of<bidirectional{.stages = 4, .micro_batches = 8}>>;
static_assert(idle(schedule_table, worker{0}) == 2);           // D - 2 bubbles
constexpr program_view table = fixed_lowered<schedule_table>;  // with every send, receive and reduction in its place

/// Trains by a program, and returns the last loss; below zero if a bit differs.
float train(program_argument program, int iterations) {
    exchange between;
    std::vector<run_plan> plans;
    std::deque<thread_worker> workers;
    for (int w = 0; w < program.head.workers; ++w) {
        plans.push_back(make_run_plan(program, w));
        workers.emplace_back(plans.back(), new_model(program.head.stages), between);
    }
    std::vector<stage> alone = new_model(program.head.stages);
    float loss = 0;
    for (int iteration = 0; iteration < iterations; ++iteration) {
        const task batch(iteration, program.head.units()), again(iteration, program.head.units());
        {
            std::vector<std::jthread> threads;
            for (thread_worker& w : workers) w.batch = &batch;
            for (std::size_t w = 0; w < plans.size(); ++w) threads.emplace_back([&, w] { run(plans[w], workers[w]); });
        }
        iterate_alone(alone, again, program);
        loss = batch.loss();
        if (loss != again.loss()) return -1;
    }
    for (int s = 0; s < program.head.stages; ++s)
        for (const int w : program.replica_group(s))
            if (!same(workers[static_cast<std::size_t>(w)].holds(s), alone[static_cast<std::size_t>(s)])) return -1;
    return loss;
}

bool trains(const char* how, program_argument program) {
    const float first = train(program, 1), last = train(program, 100);
    std::printf("%-45s loss %.4f, at first %.4f\n", how, static_cast<double>(last), static_cast<double>(first));
    return last >= 0 && last < first / 2;
}

int main() {
    const schedule halves = generate(bidirectional{.stages = 4, .micro_batches = 8, .scale = scale::halving});
    const schedule doubled = generate(bidirectional{.stages = 4, .micro_batches = 8, .scale = scale::doubling});
    const std::vector<std::uint8_t> stages(6, 1);  // that recompute
    const schedule again = recompute(generate(interleaved{.stages = 6, .micro_batches = 5, .chunks = 2}), stages);
    const bool each[] = {trains("bidirectional", table),
                         trains("two stages a worker", lower(generate(wave{6, 5}))),
                         trains("split backwards", lower(generate(zb_v{6, 5}))),
                         trains("halved backwards", lower(halves)),
                         trains("doubled forwards", lower(doubled)),
                         trains("recompute", lower(again)),
                         trains("pairs", lower(generate(dualpipe{4, 8})))};
    const bool all = std::ranges::find(each, false) == std::end(each);
    std::printf(all ? "workers and one thread: the same bits\n" : "the bits differ, or it does not learn\n");
    return all ? 0 : 1;
}
