// error: 2 · waves must divide stages (every worker holds two stages a wave)
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<wave{.stages = 12, .micro_batches = 4, .waves = 2}>;
#else
constexpr auto& table = fixed<wave{.stages = 12, .micro_batches = 4, .waves = 4}>;
#endif
static_assert(table.head.workers > 0);
