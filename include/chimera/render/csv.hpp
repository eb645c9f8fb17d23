// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/schedule.hpp>
#include <chimera/render/append.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace chimera {

/// A schedule with one pipeline as PyTorch writes its pipeline schedules: one line per worker, one cell per tick, such
/// as 0F3 (stage, pass, micro-batch); empty where the worker is idle or still busy with the cell before. Throws `error`
/// for several pipelines, slots of several units, units that are no micro-batches, and past 2^28 cells.
inline std::string csv(schedule_view from) {
    if (from.head.pipelines != 1)
        refuse("csv holds one pipeline (the schedule has " + std::to_string(from.head.pipelines) + ") use json");
    if (from.head.micro_batch_parts != 1) refuse("csv holds whole micro-batches (the schedule halves them) use json");
    std::int64_t columns = 0;
    for (const slot& s : from.slots) {
        if (s.count != 1) refuse("csv holds one micro-batch per cell (the schedule has slots of more) use json");
        columns = std::max<std::int64_t>(columns, s.end());
    }
    if (columns * from.head.workers > (1 << 28)) refuse("csv would be too large (more than 2^28 cells) use json");
    std::string out;
    for (int w = 0; w < from.head.workers; ++w) {
        std::int64_t column = 0;
        for (const slot& s : from.row(w)) {
            if (s.tick < column)
                refuse("csv holds one slot per tick (slots of worker " + std::to_string(w) + " overlap) use json");
            out.append(static_cast<std::size_t>(s.tick - column), ',');
            column = s.tick;
            detail::put(out, s.stage, letter(s.op), s.first);
        }
        out.append(static_cast<std::size_t>(columns - 1 - column), ',');
        out.push_back('\n');
    }
    return out;
}

}  // namespace chimera
