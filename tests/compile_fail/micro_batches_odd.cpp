// error: micro_batches must be even (both directions run as many)
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<dualpipe{.stages = 4, .micro_batches = 10}>;
#else
constexpr auto& table = fixed<dualpipe{.stages = 4, .micro_batches = 9}>;
#endif
static_assert(table.head.workers > 0);
