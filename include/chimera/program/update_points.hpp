// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/sort_keys.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/program/update_group.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// The place at which a worker updates a stage within the iteration: behind the transfers of tick `time`, in front of
/// what starts then.
struct update_point {
    std::int32_t time = 0;  ///< the last gradient of the group ends on the last worker that holds the stage
    std::int32_t stage = 0;
    std::int32_t group = 0;
};

/// The end of the last gradient that each group adds to each stage, on any worker: (stage, group). Never falls from one
/// group to the next, so that updates of a stage keep their order whatever the schedule.
[[nodiscard]] constexpr std::vector<std::int32_t> group_ends(schedule_argument of, const update_groups& groups) {
    const auto count = static_cast<std::size_t>(groups.count);
    std::vector<std::int32_t> out(static_cast<std::size_t>(of.head.stages) * count, 0);
    for (const slot& s : of.entries) {
        if (!ends_activation(s.op)) continue;
        for (std::int32_t u = s.first; u < s.first + s.count; ++u) {
            std::int32_t& end = out[s.stage * count + static_cast<std::size_t>(groups[u])];
            end = (std::max)(end, s.end());
        }
    }
    for (std::size_t k = 1; k < out.size(); ++k)
        if (k % count != 0) out[k] = (std::max)(out[k], out[k - 1]);
    return out;
}

struct update_rows {
    std::vector<std::int32_t> offsets;  ///< workers + 1
    std::vector<update_point> all;      ///< each worker's in the one global order: by time, stage, group
};

/// All members of a replica group update at one moment of the grid, so reductions cannot wait for each other: what
/// precedes tick t on any worker needs only what ends by then (see transfer_rows).
[[nodiscard]] constexpr update_rows find_updates(schedule_argument of, const replica_groups& replicas,
                                                 const update_groups& groups) {
    const std::vector<std::int32_t> ends = group_ends(of, groups);
    std::vector<std::vector<std::int32_t>> held(static_cast<std::size_t>(of.head.workers));
    for (std::int32_t s = 0; s < of.head.stages; ++s)
        for (std::int32_t m = replicas.offsets[static_cast<std::size_t>(s)];
             m < replicas.offsets[static_cast<std::size_t>(s) + 1]; ++m)
            held[static_cast<std::size_t>(replicas.members[static_cast<std::size_t>(m)])].push_back(s);
    update_rows out;
    out.offsets.push_back(0);
    std::vector<std::int64_t> keys;
    for (const std::vector<std::int32_t>& stages : held) {
        keys.clear();
        for (const std::int32_t s : stages)
            for (std::int32_t at = s * groups.count; at < (s + 1) * groups.count; ++at)
                keys.push_back(sort_key(ends[static_cast<std::size_t>(at)], at));
        if (stages.size() > 1) sort_keys(keys);
        for (const std::int64_t k : keys)
            out.all.push_back(
                {static_cast<std::int32_t>(k >> 32), second_of(k) / groups.count, second_of(k) % groups.count});
        out.offsets.push_back(static_cast<std::int32_t>(out.all.size()));
    }
    return out;
}

}  // namespace chimera::detail
