// error: pipelines must be even and at least 2
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<bidirectional{.stages = 6, .micro_batches = 6, .pipelines = 6}>;
#else
constexpr auto& table = fixed<bidirectional{.stages = 6, .micro_batches = 6, .pipelines = 3}>;
#endif
static_assert(table.head.workers > 0);
