// error: the schedule is too large
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<gpipe{.stages = 10, .micro_batches = 100}>;
#else
constexpr auto& table = fixed<gpipe{.stages = 1000, .micro_batches = 1000000}>;
#endif
static_assert(table.head.workers > 0);
