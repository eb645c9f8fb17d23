// error: stages must be a multiple of 4
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<bitpipe{.stages = 8, .micro_batches = 4}>;
#else
constexpr auto& table = fixed<bitpipe{.stages = 6, .micro_batches = 4}>;
#endif
static_assert(table.head.workers > 0);
