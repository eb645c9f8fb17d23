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

    explicit constexpr chains(const instance& of) : head(of.lanes.size(), 0.0), tail(of.lanes.size(), 0.0) {
        for (int p = 0; p < of.pipelines; ++p) {
            for (int s = 0; s < of.stages; ++s) forwards(of, of.id(p, s, 0));
            for (int s = of.stages; s-- > 0;) forwards(of, of.id(p, s, 1));
            for (int s = 0; s < of.stages; ++s) {
                const lane& g = of.lanes[static_cast<std::size_t>(of.id(p, s, 1))];
                if (g.weight >= 0) forwards(of, g.weight);
                backwards(of, g.gradient);
            }
            for (int s = of.stages; s-- > 0;) backwards(of, of.id(p, s, 0));
        }
    }

    /// From the end of one pass of a unit to the start of a later one of its chain.
    constexpr double between(const instance& of, std::int32_t from, std::int32_t to) const {
        const auto f = static_cast<std::size_t>(from);
        return head[static_cast<std::size_t>(to)] - head[f] - of.lanes[f].seconds;
    }

private:
    constexpr void forwards(const instance& of, std::int32_t id) {
        const lane& l = of.lanes[static_cast<std::size_t>(id)];
        if (l.before < 0) return;
        const auto b = static_cast<std::size_t>(l.before);
        head[static_cast<std::size_t>(id)] = head[b] + of.lanes[b].seconds + l.travel;
    }
    constexpr void backwards(const instance& of, std::int32_t id) {
        const lane& l = of.lanes[static_cast<std::size_t>(id)];
        double most = 0;
        if (l.op != pass::forward && l.weight >= 0) most = of.lanes[static_cast<std::size_t>(l.weight)].seconds;
        if (l.after >= 0) {
            const auto a = static_cast<std::size_t>(l.after);
            most = std::max(most, of.lanes[a].travel + of.lanes[a].seconds + tail[a]);
        }
        tail[static_cast<std::size_t>(id)] = most;
    }
};

}  // namespace chimera::detail::seek
