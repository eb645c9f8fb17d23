// error: group must be at least 0
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = table_of<interleaved{.stages = 8, .micro_batches = 4, .chunks = 2, .group = 4}>;
#else
constexpr auto& table = table_of<interleaved{.stages = 8, .micro_batches = 4, .chunks = 2, .group = -1}>;
#endif
static_assert(table.head.workers > 0);
