// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// The update to which a unit's gradient goes, if weights change within the iteration: a pipeline's micro-batches in
/// the order of their numbers, update_every at a time. The last group may be smaller. Flushed: one group.
struct update_groups {
    std::vector<std::int32_t> of_unit;  ///< per unit; empty where there is only one group
    std::int32_t count = 1;             ///< updates of each stage; at least 1

    [[nodiscard]] constexpr std::int32_t operator[](std::int32_t unit) const noexcept {
        return of_unit.empty() ? 0 : of_unit[static_cast<std::size_t>(unit)];
    }
};

/// `pipelines`: per unit the pipeline that it is on, -1 where it is on none (it is then counted to pipeline 0).
[[nodiscard]] constexpr update_groups find_update_groups(const shape& head,
                                                         const std::vector<std::int32_t>& pipelines) {
    update_groups out;
    if (head.update == update_rule::flushed || head.update_every <= 0) return out;
    const std::int64_t size = std::int64_t{head.update_every} * head.micro_batch_parts;
    std::vector<std::int32_t> before(static_cast<std::size_t>(head.pipelines), 0);  // units of the pipeline so far
    out.of_unit.reserve(pipelines.size());
    for (const std::int32_t p : pipelines) {
        const auto group = static_cast<std::int32_t>(before[static_cast<std::size_t>(p < 0 ? 0 : p)]++ / size);
        out.of_unit.push_back(group);
        if (group >= out.count) out.count = group + 1;
    }
    return out;
}

/// The pipeline of each unit, as the forwards of a schedule (or program: `all` may hold anything) say; -1 for none.
template <class Items>
[[nodiscard]] constexpr std::vector<std::int32_t> pipelines_of_units(const shape& head, const Items& all) {
    const std::int32_t units = head.units();
    std::vector<std::int32_t> out(static_cast<std::size_t>(units), -1);
    for (const auto& x : all) {
        if (static_cast<int>(x.op) != static_cast<int>(pass::forward) || x.first < 0 || x.pipeline >= head.pipelines)
            continue;
        const std::int64_t end = std::min<std::int64_t>(std::int64_t{x.first} + x.count, units);
        for (std::int64_t u = x.first; u < end; ++u) out[static_cast<std::size_t>(u)] = x.pipeline;
    }
    return out;
}

/// Returns how many updates the weights have that a forward reads; `made`: those before it on its worker.
/// stashed: the newest (PipeDream, Narayanan et al., SOSP'19). double_buffered: group g reads what max(g - 1, 0)
/// updates left, W(t+1) = W(t) - rate · gradient of f(W(t-1)) (PipeDream-2BW, Narayanan et al., ICML'21).
[[nodiscard]] constexpr std::int32_t updates_read(update_rule rule, std::int32_t group, std::int32_t made) noexcept {
    if (rule == update_rule::double_buffered) return group > 0 ? group - 1 : 0;
    return made;
}

}  // namespace chimera::detail
