// error: constant expression
// SPDX-License-Identifier: Apache-2.0
// The questions say what to write in its place.
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

#ifdef TWIN
constexpr auto table = table_of<gpipe{.stages = 2, .micro_batches = 4}>;
static_assert(makespan(generate(gpipe{.stages = 2, .micro_batches = 4})) == makespan(table));
#else
constexpr auto table = generate(gpipe{.stages = 2, .micro_batches = 4});
#endif
