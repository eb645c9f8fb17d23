// SPDX-License-Identifier: Apache-2.0
// PyTorch-style CSV: start from tests/fixtures/pytorch and what `chimera schedule … --format csv` writes.
#include "table.hpp"

#include <chimera/io/read_csv.hpp>
#include <chimera/schedule/custom.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera;
    using namespace chimera::executor;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)is_csv("", text);
    csv_order read;
    try {
        read = read_csv(text);
    } catch (const chimera_error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
        return 0;
    }
    exercise(read.order);
    try {  // what was read and obeys the laws is written and read again, to the same order
        const schedule again = read_csv(csv(read.order)).order;
        demand(timed(again).entries == timed(read.order).entries || !verify(read.order).ok());
    } catch (const chimera_error&) {
        demand(!verify(read.order).ok());
    }
    return 0;
}
