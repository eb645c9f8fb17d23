// SPDX-License-Identifier: Apache-2.0
// Four threads run a program whose stages let time pass: each worker does what its row of the table says, in that order.
#include <chimera/chimera.hpp>

#include <executor/communicate/local/local.hpp>
#include <executor/engine/emulated_stage.hpp>
#include <executor/engine/engine.hpp>

#include <cstdio>
#include <vector>

using namespace chimera;

int main() {
    constexpr auto& table = table_of<bidirectional{.stages = 4, .micro_batches = 4}>;
    const program whole = lower(table);
    executor::emulation each;
    each.forward = 1e-4, each.backward = 2e-4;
    std::vector<executor::emulated_stage> stages(16, executor::emulated_stage(each));  // of each worker, each stage
    executor::local_world threads(table.head.workers);
    executor::engine run(
        whole, [&](int w, int s) { return &stages[static_cast<std::size_t>(4 * w + s)]; }, threads.ends());
    const timeline& measured = run.run_iteration();

    for (int w = 0; w < table.head.workers; ++w) {
        std::size_t next = 0;
        for (const step& s : measured.row(w)) {
            if (!is_compute(s.op)) continue;
            const slot& planned = table.view().row(w)[next++];
            if (s.stage != planned.stage || s.first != planned.first || s.op != static_cast<action>(planned.op))
                return std::printf("worker %d does something else at slot %zu\n", w, next - 1), 1;
        }
        if (next != table.view().row(w).size()) return std::printf("worker %d runs %zu slots\n", w, next), 1;
    }
    const double least = metrics(simulate(whole, {.forward = 1e-4, .backward = 2e-4})).makespan;
    const double taken = metrics(measured).makespan;
    std::printf("measured %.5f s, predicted %.5f s\n", taken, least);
    return taken < least;
}
