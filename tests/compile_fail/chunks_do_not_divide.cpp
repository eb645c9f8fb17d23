// error: chunks must divide stages (every worker holds as many) use a multiple of chunks
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<interleaved{.stages = 8, .micro_batches = 4, .chunks = 2}>;
#else
constexpr auto& table = fixed<interleaved{.stages = 8, .micro_batches = 4, .chunks = 3}>;
#endif
static_assert(table.head.workers > 0);
