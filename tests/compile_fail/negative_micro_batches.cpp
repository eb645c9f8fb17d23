// error: micro_batches must be at least 1
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<gpipe{.stages = 2, .micro_batches = 4}>;
#else
constexpr auto& table = fixed<gpipe{.stages = 2, .micro_batches = -4}>;
#endif
static_assert(table.head.workers > 0);
