// error: a slot starts before what it depends on (law ordered)
// error: broken<chimera::law::ordered
// error: at::worker{1}
// error: at::slot{0}
// error: at::stage{1}
// error: at::unit{0}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

using namespace chimera;

constexpr auto change() {
    auto table = table_of<bidirectional{.stages = 4, .micro_batches = 4}>.copy();
#ifndef TWIN
    table.entries[8].tick = 0;  // worker 1's first forward, whose input worker 0 makes in tick 0
#endif
    return table;
}
constexpr auto changed = change();
constexpr auto& table = proven<changed>;
static_assert(table.head.workers == 4);
