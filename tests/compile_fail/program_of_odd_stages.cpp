// error: stages must be even
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/fixed_program.hpp>
#include <chimera/schedule/bidirectional.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto& table = fixed_lowered<bidirectional{.stages = 4, .micro_batches = 4}>;
#else
constexpr auto& table = fixed_lowered<bidirectional{.stages = 3, .micro_batches = 4}>;
#endif
static_assert(table.head.workers > 0);
