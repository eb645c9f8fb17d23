// error: micro_batches must be at least 2 · workers
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<dualpipe_v{.stages = 8, .micro_batches = 8}>;
#else
constexpr auto& table = fixed<dualpipe_v{.stages = 8, .micro_batches = 7}>;
#endif
static_assert(table.head.workers > 0);
