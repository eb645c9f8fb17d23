// error: stages must be even (a pipeline and its mirror meet in the middle) use an even number of stages
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<bidirectional{.stages = 6, .micro_batches = 4}>;
#else
constexpr auto& table = fixed<bidirectional{.stages = 5, .micro_batches = 4}>;
#endif
static_assert(table.head.workers > 0);
