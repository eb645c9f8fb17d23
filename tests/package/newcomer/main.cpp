#include <chimera/chimera.hpp>

constexpr auto& table = chimera::table_of<chimera::bidirectional{.stages = 8, .micro_batches = 32}>;
static_assert(chimera::idle(table, chimera::worker{0}) == 6);  // D - 2 bubbles

int main() { return chimera::makespan(table) == 0; }
