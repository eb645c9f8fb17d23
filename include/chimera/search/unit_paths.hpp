// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/instance.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Longest chains of one unit: before a pass of a lane can start, and after it has ended until all has ended.
struct chains {
    std::vector<double> head;  ///< per lane
    std::vector<double> tail;  ///< per lane

    explicit constexpr chains(const instance& task) : head(task.lanes.size(), 0.0), tail(task.lanes.size(), 0.0) {
        for (int p = 0; p < task.pipelines; ++p) {
            for (int s = 0; s < task.stages; ++s) forwards(task, task.id(p, s, 0));
            for (int s = task.stages; s-- > 0;) forwards(task, task.id(p, s, 1));
            for (int s = 0; s < task.stages; ++s) {
                const lane& g = task.lanes[static_cast<std::size_t>(task.id(p, s, 1))];
                if (g.weight >= 0) forwards(task, g.weight);
                backwards(task, g.gradient);
            }
            for (int s = task.stages; s-- > 0;) backwards(task, task.id(p, s, 0));
        }
    }

    /// From the end of one pass of a unit to the start of a later one of its chain.
    constexpr double between(const instance& task, std::int32_t from, std::int32_t to) const {
        const auto f = static_cast<std::size_t>(from);
        return head[static_cast<std::size_t>(to)] - head[f] - task.lanes[f].seconds;
    }

private:
    constexpr void forwards(const instance& task, std::int32_t id) {
        const lane& l = task.lanes[static_cast<std::size_t>(id)];
        if (l.before < 0) return;
        const auto b = static_cast<std::size_t>(l.before);
        head[static_cast<std::size_t>(id)] = head[b] + task.lanes[b].seconds + l.travel;
    }
    constexpr void backwards(const instance& task, std::int32_t id) {
        const lane& l = task.lanes[static_cast<std::size_t>(id)];
        double most = 0;
        if (l.op != pass::forward && l.weight >= 0) most = task.lanes[static_cast<std::size_t>(l.weight)].seconds;
        if (l.after >= 0) {
            const auto a = static_cast<std::size_t>(l.after);
            most = (std::max)(most, task.lanes[a].travel + task.lanes[a].seconds + tail[a]);
        }
        tail[static_cast<std::size_t>(id)] = most;
    }
};

}  // namespace chimera::detail::seek
