// error: stages must be even (every worker holds two, one on the way down, one on the way up)
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<zb_v{.stages = 6, .micro_batches = 4}>;
#else
constexpr auto& table = fixed<zb_v{.stages = 5, .micro_batches = 4}>;
#endif
static_assert(table.head.workers > 0);
