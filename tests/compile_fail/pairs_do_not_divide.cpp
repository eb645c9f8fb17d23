// error: pipelines must divide stages
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<bidirectional{.stages = 8, .micro_batches = 8, .pipelines = 4}>;
#else
constexpr auto& table = fixed<bidirectional{.stages = 8, .micro_batches = 8, .pipelines = 6}>;
#endif
static_assert(table.head.workers > 0);
