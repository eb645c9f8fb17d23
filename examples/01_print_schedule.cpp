// SPDX-License-Identifier: Apache-2.0
// A Chimera schedule as a constant: proven by the compiler, printed by the program.
#include <chimera/chimera.hpp>
#include <chimera/render.hpp>

#include <cstdio>

using namespace chimera;

constexpr auto& table = table_of<bidirectional{.stages = 4, .micro_batches = 8}>;  // std::array storage, exact size
static_assert(makespan(table) == 18 && idle(table, worker{0}) == 2);               // D - 2 bubbles, as the paper says
static_assert(verify(table).ok());                                                 // complete, ordered, deadlock-free

int main() {
    const auto big = generate(bidirectional{.stages = 64, .micro_batches = 4096});  // the same code, at run time
    std::printf("%s\n64 stages, 4096 micro-batches: %zu slots, %d ticks\n", text(ticks_timeline(table)).c_str(),
                big.entries.size(), makespan(big));
}
