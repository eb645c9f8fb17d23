// error: a pass is missing, doubled or misplaced (law once)
// error: broken<chimera::law::once
// error: at::worker{0}
// error: at::slot{2}
// error: at::stage{2}
// error: at::unit{2}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

using namespace chimera;

constexpr auto change() {
    auto table = table_of<bidirectional{.stages = 4, .micro_batches = 4}>.copy();
#ifndef TWIN
    table.entries[2].stage = 2;  // worker 0 holds stages 0 and 3
#endif
    return table;
}
constexpr auto changed = change();
constexpr auto& table = proven<changed>;
static_assert(table.head.workers == 4);
