// SPDX-License-Identifier: Apache-2.0
// Schedule files: start from those that `chimera schedule … --format json` writes.
#include "table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return chimera::executor::fuzz_table(data, size);
}
