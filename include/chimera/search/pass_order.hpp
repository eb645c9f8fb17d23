// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/instance.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// What an order costs. `sum` (of the workers' spans) leads the search where the other two stand still.
struct value {
    double makespan = 1e300;
    double span = 1e300;
    double sum = 1e300;
};

/// Rows of lanes, one after the other (instance::offsets): the n-th occurrence of a lane is its n-th pass.
using order = std::vector<std::uint16_t>;

/// Plays orders, every pass as early as its worker and its input allow. Allocates nothing after construction.
class order_player {
public:
    explicit constexpr order_player(const instance& task)
        : of_(&task), ends_(static_cast<std::size_t>(task.passes()), 0.0),
          starts_(static_cast<std::size_t>(task.passes()), 0.0), done_(task.lanes.size(), 0),
          at_(static_cast<std::size_t>(task.workers), 0), waits_(static_cast<std::size_t>(task.workers), -1),
          clock_(static_cast<std::size_t>(task.workers), 0.0),
          awake_(static_cast<std::size_t>(task.workers) * 2 + 2, 0) {}

    /// False when workers wait for each other. Memory is not looked at: see `keeps_limits`.
    constexpr bool play(const order& rows, value& out) {
        const lane* const lanes = of_->lanes.data();
        const std::int32_t* const base = of_->base.data();
        const std::int32_t* const offsets = of_->offsets.data();
        const std::uint16_t* const row = rows.data();
        double* const ends = ends_.data();
        double* const starts = starts_.data();
        std::int32_t* const done = done_.data();
        for (std::size_t l = 0; l < done_.size(); ++l) done[l] = 0;
        std::int32_t* const awake = awake_.data();
        std::int32_t sleepers = 0;
        for (std::int32_t w = of_->workers; w-- > 0;) {
            at_[static_cast<std::size_t>(w)] = offsets[w];
            waits_[static_cast<std::size_t>(w)] = -1;
            clock_[static_cast<std::size_t>(w)] = 0;
            awake[sleepers++] = w;
        }
        std::int32_t* const waits = waits_.data();
        std::int32_t left = of_->passes();
        while (sleepers > 0) {
            const std::int32_t w = awake[--sleepers];
            std::int32_t at = at_[static_cast<std::size_t>(w)];
            const std::int32_t first = at;
            double clock = clock_[static_cast<std::size_t>(w)];
            for (const std::int32_t end = offsets[w + 1]; at != end; ++at) {
                const std::int32_t l = row[at];
                const lane& here = lanes[l];
                const std::int32_t k = done[l];
                if (here.before >= 0) {
                    if (done[here.before] <= k) {
                        waits[w] = here.before;
                        break;
                    }
                    const double there = ends[base[here.before] + k] + here.travel;
                    if (there > clock) clock = there;
                }
                starts[base[l] + k] = clock;
                clock += here.seconds;
                ends[base[l] + k] = clock;
                done[l] = k + 1;
                if (here.after < 0) continue;
                const std::int32_t next = lanes[here.after].worker;
                if (waits[next] != l || next == w) continue;
                waits[next] = -1;
                awake[sleepers++] = next;
            }
            left -= at - first;
            at_[static_cast<std::size_t>(w)] = at;
            clock_[static_cast<std::size_t>(w)] = clock;
        }
        if (left > 0) return false;
        out = {0, 0, 0};
        for (int w = 0; w < of_->workers; ++w) {
            if (offsets[w] == offsets[w + 1]) continue;
            const double end = clock_[static_cast<std::size_t>(w)];
            const double span = end - starts[base[row[offsets[w]]]];
            out.makespan = (std::max)(out.makespan, end);
            out.span = (std::max)(out.span, span);
            out.sum += span;
        }
        return true;
    }

    constexpr const std::vector<double>& starts() const { return starts_; }
    constexpr const std::vector<double>& ends() const { return ends_; }

private:
    const instance* of_;
    std::vector<double> ends_;  // per pass, by lane: instance::base
    std::vector<double> starts_;
    std::vector<std::int32_t> done_;  // per lane
    std::vector<std::int32_t> at_;    // per worker
    std::vector<std::int32_t> waits_;
    std::vector<double> clock_;
    std::vector<std::int32_t> awake_;
};

}  // namespace chimera::detail::seek
