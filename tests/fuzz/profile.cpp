// SPDX-License-Identifier: Apache-2.0
// Any bytes as a profile: one that forecasts an iteration and reads itself back, or an error of one line.
#include "table.hpp"

#include <chimera/schedule.hpp>

#include <executor/io/profile.hpp>
#include <executor/profile/forecast.hpp>

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera;
    using namespace chimera::executor;
    static const program played = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    try {
        const profile read = read_profile({reinterpret_cast<const char*>(data), size});
        demand(read_profile(profile_text(read)) == read);
        std::vector<profiled_stage> stages;
        for (int s = 0; s < 4; ++s) stages.push_back({{s, s + 1, s == 0, s == 3}, s == 1});
        const forecast found = forecast_of(read, played, stages, read.batches.front().sequences);
        demand(std::isfinite(found.iteration) && found.makespan > 0 && found.iteration >= found.makespan);
    } catch (const chimera_error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
    }
    return 0;
}
