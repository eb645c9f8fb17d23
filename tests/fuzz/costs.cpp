// SPDX-License-Identifier: Apache-2.0
// Any bytes as costs: costs that a schedule of four stages is simulated with, or an error of one line.
#include "table.hpp"

#include <chimera/schedule.hpp>

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera;
    using namespace chimera::executor;
    static const program played = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    try {
        const costs read = read_costs({reinterpret_cast<const char*>(data), size}).each;
        check_lengths(read, 4);
        const metrics_report found = metrics(simulate(played, read));
        demand(std::isfinite(found.makespan) && found.makespan >= 0);
        demand(json(found).find("nan") == std::string::npos);
        draw(simulate(played, read, 2));
    } catch (const chimera_error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
    }
    return 0;
}
