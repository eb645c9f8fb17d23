// error: a slot starts before what it depends on (law ordered)
// error: broken<chimera::law::ordered
// error: at::worker{1}
// error: at::slot{0}
// error: at::stage{1}
// error: at::unit{0}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/verify.hpp>

using namespace chimera;

#ifdef TWIN
constexpr custom order{"0F0 0B0; 1F0 1B0"};
#else
constexpr custom order{"0F0 0B0; 1B0 1F0"};  // the backward of stage 1 before its forward
#endif
constexpr auto& table = proven<fixed<order>>;
static_assert(table.head.workers == 2);
