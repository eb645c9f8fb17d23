// error: update_every must be at least stages
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<pipedream_2bw{.stages = 4, .micro_batches = 8, .update_every = 4}>;
#else
constexpr auto& table = fixed<pipedream_2bw{.stages = 4, .micro_batches = 8, .update_every = 3}>;
#endif
static_assert(table.head.workers > 0);
