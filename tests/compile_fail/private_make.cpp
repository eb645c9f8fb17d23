// error: make
// error: private
// SPDX-License-Identifier: Apache-2.0
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

schedule made() {
    const gpipe spec{.stages = 2, .micro_batches = 4};
#ifdef TWIN
    return generate(spec);
#else
    return spec.make();
#endif
}
