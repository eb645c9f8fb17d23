// error: a cell of the order cannot be read (not stage, pass, micro-batch)
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/custom.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed<custom{"0F0 0B0; 1F0 1B0"}>;
#else
constexpr auto& table = fixed<custom{"0F0 0B0; 1F0 1X0"}>;
#endif
static_assert(table.head.workers > 0);
