// error: two slots of a worker overlap (law exclusive)
// error: broken<chimera::law::exclusive
// error: at::worker{0}
// error: at::slot{1}
// error: at::stage{0}
// error: at::unit{1}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

using namespace chimera;

constexpr auto change() {
    auto table = table_of<bidirectional{.stages = 4, .micro_batches = 4}>.copy();
#ifndef TWIN
    table.entries[1].tick = 0;  // worker 0 computes its first slot in that tick
#endif
    return table;
}
constexpr auto changed = change();
constexpr auto& table = proven<changed>;
static_assert(table.head.workers == 4);
