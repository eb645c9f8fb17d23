// SPDX-License-Identifier: Apache-2.0
// Two translation units that include everything and use the same table: one definition, one address.
#include <chimera/chimera.hpp>
#include <chimera/version.hpp>

#include <cstdio>

const void* table_seen_elsewhere();

int main() {
    constexpr auto& table = chimera::table_of<chimera::bidirectional{.stages = 4, .micro_batches = 4}>;
    static_assert(chimera::makespan(table) > 0);
    if (static_cast<const void*>(&table) != table_seen_elsewhere()) return std::puts("two copies of one table"), 1;
    std::printf("chimera %d.%d.%d, makespan %d\n", CHIMERA_VERSION_MAJOR, CHIMERA_VERSION_MINOR, CHIMERA_VERSION_PATCH,
                static_cast<int>(chimera::makespan(table)));
}
