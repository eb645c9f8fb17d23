// error: width must be at least 1
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/data_parallel.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<data_parallel{.micro_batches = 4, .width = 2}>;
#else
constexpr auto& table = fixed<data_parallel{.micro_batches = 4, .width = 0}>;
#endif
static_assert(table.head.workers > 0);
