// error: deleted function
// error: schedule_view
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/query.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

int ticks() {
#ifdef TWIN
    const schedule made = generate(gpipe{.stages = 2, .micro_batches = 4});
    const schedule_view v = made;
#else
    const schedule_view v = generate(gpipe{.stages = 2, .micro_batches = 4});
#endif
    return makespan(v);
}
