// error: too many live activations (law bounded)
// error: broken<chimera::law::bounded
// error: at::worker{1}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

using namespace chimera;

#ifdef TWIN
constexpr int limit = 4;
#else
constexpr int limit = 3;  // the workers in the middle hold four
#endif
constexpr auto& table = proven<fixed<bidirectional{.stages = 4, .micro_batches = 4}>, limits{.activations = limit}>;
static_assert(table.head.workers == 4);
