// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model: one whose stages have finite bytes and time, or an error of one line.
#include "table.hpp"

#include <chimera/memory/stage_bytes.hpp>
#include <executor/io/model_file.hpp>

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera;
    using namespace chimera::executor;
    try {
        const model read = read_model({reinterpret_cast<const char*>(data), size});
        demand(!read.layers.empty());
        demand(parameters(read) > 0);
        demand(std::isfinite(flops(read)) && flops(read) > 0);
        const stage_bytes all = bytes_of(read, 0, static_cast<int>(read.layers.size()), 1);
        demand(std::isfinite(all.kept) && all.kept >= all.selective && all.selective >= 0);
        for (const layer& l : read.layers) demand(l.tied_to.value_or(-1) < static_cast<int>(read.layers.size()));
    } catch (const chimera_error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
    }
    return 0;
}
