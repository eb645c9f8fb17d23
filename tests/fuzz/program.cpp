// SPDX-License-Identifier: Apache-2.0
// Program files: start from those that `chimera program … --format json` writes.
#include "table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return chimera::executor::fuzz_table(data, size);
}
