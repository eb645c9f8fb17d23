// error: ignoring return value
// error: unused-result
// SPDX-License-Identifier: Apache-2.0
#include <chimera/schedule/gpipe.hpp>

#pragma GCC diagnostic error "-Wunused-result"

using namespace chimera;

void use() {
    const gpipe spec{.stages = 2, .micro_batches = 4};
#ifdef TWIN
    const schedule made = generate(spec);
    (void)made;
#else
    generate(spec);
#endif
}
