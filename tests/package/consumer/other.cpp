// SPDX-License-Identifier: Apache-2.0
#include <chimera/chimera.hpp>

const void* table_seen_elsewhere() {
    return &chimera::table_of<chimera::bidirectional{.stages = 4, .micro_batches = 4}>;
}
