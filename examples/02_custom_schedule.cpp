// SPDX-License-Identifier: Apache-2.0
// An order written by hand: proven by the compiler, lowered, simulated, drawn, and written for `chimera train --schedule`.
// A worker a line; a cell is stage, pass (F, B, or its halves I and W), micro-batch.
#include <chimera/chimera.hpp>
#include <chimera/render.hpp>
#include <chimera/render/metrics_text.hpp>

#include <cstdio>
#include <fstream>
#include <string>

using namespace chimera;

constexpr auto& table =
    proven<table_of<custom{"0F0 0F1 0I0 0F2 0I1 0W0 0I2 0W1 0W2;"
                           "1F0 1I0 1F1 1I1 1W0 1F2 1I2 1W1 1W2"}>>;
static_assert(table.head.workers == 2 && table.head.micro_batches == 3);
static_assert(makespan(table) == 11 && idle(table, worker{1}) == 2);

// What breaks a law does not compile; the message names law, worker, slot, stage and unit. Try it:
// constexpr auto& broken = proven<table_of<custom{"0F0 0B0; 1B0 1F0"}>>;

int main(int count, char** arguments) {
    std::printf("%s\n", text(ticks_timeline(table)).c_str());

    const auto program = lower(table);
    const auto predicted = simulate(program, {.forward = 1e-3, .input_gradient = 1.1e-3, .weight_gradient = 0.9e-3});
    std::printf("%s", text(metrics(predicted), time_unit::seconds).c_str());

    // The same at run time: read from anywhere, verified, its faults in words.
    const std::string order = "0F0 0B0 0F1 0B1; 1F1 1B1 1F0 1B0";
    const auto read = generate(custom{order});
    for (const auto& f : verify(read).faults) std::printf("%s\n", message(f).c_str());

    if (count < 2) return 0;
    std::ofstream(arguments[1] + std::string(".svg")) << svg(predicted, {.unit = time_unit::seconds});
    std::ofstream(arguments[1] + std::string(".csv"))
        << csv(table);  // for chimera verify, simulate and train --schedule
}
