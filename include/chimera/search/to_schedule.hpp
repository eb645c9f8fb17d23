// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/search/pass_order.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// The schedule that runs an order: pipeline p has its units one after the other, every pass takes a tick.
constexpr schedule to_schedule(const instance& task, const order& rows) {
    schedule out;
    out.head.family = "search";
    out.head.workers = task.workers;
    out.head.stages = task.stages;
    out.head.pipelines = task.pipelines;
    out.head.micro_batches = task.units;
    out.placement = task.placement;
    out.offsets = task.offsets;
    out.entries.reserve(rows.size());
    std::vector<std::int32_t> done(task.lanes.size(), 0);
    const std::int32_t first_pipeline = task.lanes.front().count;
    for (const std::uint16_t id : rows) {
        const lane& l = task.lanes[id];
        slot s;
        s.first = (l.pipeline == 0 ? 0 : first_pipeline) + done[id]++;
        s.stage = static_cast<std::uint16_t>(l.stage);
        s.pipeline = static_cast<std::uint16_t>(l.pipeline);
        s.op = l.op;
        out.entries.push_back(s);
    }
    return compact(out);
}

}  // namespace chimera::detail::seek
