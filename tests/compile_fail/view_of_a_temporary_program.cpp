// error: deleted function
// error: program_view
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

std::size_t size() {
#ifdef TWIN
    const program made = lower(generate(gpipe{.stages = 2, .micro_batches = 4}));
    const program_view v = made;
#else
    const program_view v = lower(generate(gpipe{.stages = 2, .micro_batches = 4}));
#endif
    return v.instructions.size();
}
