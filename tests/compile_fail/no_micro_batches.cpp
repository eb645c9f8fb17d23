// error: micro_batches must be at least 1
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<one_f_one_b{.stages = 4, .micro_batches = 1}>;
#else
constexpr auto& table = fixed<one_f_one_b{.stages = 4, .micro_batches = 0}>;
#endif
static_assert(table.head.workers > 0);
