// SPDX-License-Identifier: Apache-2.0
// Any bytes as measurements: rows that can be predicted, or an error of one line.
#include "table.hpp"

#include <chimera/calibrate/known_hardware.hpp>

#include <executor/io/measurements.hpp>

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace chimera;
    using namespace chimera::executor;
    try {
        const measured_file read = read_measurements({reinterpret_cast<const char*>(data), size});
        demand(!read.rows.empty());
        for (const measurement& row : read.rows) {
            demand(std::isfinite(row.seconds) && row.seconds > 0 && row.nodes > 0 && row.workers_per_node > 0);
            if (row.with.schedule.slot_count() > 100'000) return 0;  // large ones are slow, not wrong
        }
        predictor by(read.models, read.rows);
        for (std::size_t i = 0; i < by.size(); ++i) demand(by.seconds(i, a100_nodes) > 0);
    } catch (const error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
    }
    return 0;
}
