// error: stages must be 1 (data_parallel replicates the whole model)
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/data_parallel.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<data_parallel{.stages = 1, .micro_batches = 4, .width = 2}>;
#else
constexpr auto& table = fixed<data_parallel{.stages = 2, .micro_batches = 4, .width = 2}>;
#endif
static_assert(table.head.workers > 0);
