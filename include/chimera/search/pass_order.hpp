// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/instance.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// The cost of an order. `sum` (of the workers' spans) leads the search where the other two stand still.
struct value {
    double makespan = 1e300;
    double span = 1e300;
    double sum = 1e300;
};

/// Rows of pass chains, one after the other (instance::offsets): the n-th occurrence of a pass chain is its n-th pass.
using order = std::vector<std::uint16_t>;

/// Plays orders, every pass as early as its worker and its input allow. Allocates nothing after construction.
class order_player {
public:
    explicit constexpr order_player(const instance& task)
        : of_(&task), ends_(static_cast<std::size_t>(task.passes()), 0.0),
          starts_(static_cast<std::size_t>(task.passes()), 0.0), done_(task.pass_chains.size(), 0),
          at_(static_cast<std::size_t>(task.workers), 0), waits_(static_cast<std::size_t>(task.workers), -1),
          clock_(static_cast<std::size_t>(task.workers), 0.0),
          awake_(static_cast<std::size_t>(task.workers) * 2 + 2, 0) {}

    /// False when workers wait for each other. Memory is not looked at: see `keeps_limits`.
    constexpr bool play(const order& rows, value& out) {
        const pass_chain* const pass_chains = of_->pass_chains.data();
        const std::uint16_t* const row = rows.data();
        const std::int32_t *const base = of_->base.data(), *const offsets = of_->offsets.data();
        double *const ends = ends_.data(), *const starts = starts_.data();
        std::int32_t *const done = done_.data(), *const awake = awake_.data(), *const waits = waits_.data();
        std::int32_t sleepers = reset();
        std::int32_t left = of_->passes();
        while (sleepers > 0) {
            const std::int32_t w = awake[--sleepers];
            std::int32_t at = at_[static_cast<std::size_t>(w)];
            const std::int32_t first = at;
            double clock = clock_[static_cast<std::size_t>(w)];
            for (const std::int32_t end = offsets[w + 1]; at != end; ++at) {
                const std::int32_t l = row[at];
                const pass_chain& here = pass_chains[l];
                const std::int32_t k = done[l];
                if (here.before >= 0 && done[here.before] <= k) {
                    waits[w] = here.before;
                    break;
                }
                if (here.before >= 0) clock = (std::max)(clock, ends[base[here.before] + k] + here.travel);
                starts[base[l] + k] = clock;
                clock += here.seconds;
                ends[base[l] + k] = clock;
                done[l] = k + 1;
                if (here.after < 0) continue;
                const std::int32_t next = pass_chains[here.after].worker;
                if (waits[next] != l || next == w) continue;
                waits[next] = -1;
                awake[sleepers++] = next;
            }
            left -= at - first;
            at_[static_cast<std::size_t>(w)] = at;
            clock_[static_cast<std::size_t>(w)] = clock;
        }
        if (left > 0) return false;
        out = measure(rows);
        return true;
    }

    constexpr const std::vector<double>& starts() const { return starts_; }
    constexpr const std::vector<double>& ends() const { return ends_; }

private:
    /// Puts all workers before their first pass, awake. Returns how many there are.
    constexpr std::int32_t reset() {
        std::fill(done_.begin(), done_.end(), 0);
        std::int32_t sleepers = 0;
        const std::int32_t* const offsets = of_->offsets.data();
        std::int32_t *const at = at_.data(), *const waits = waits_.data(), *const awake = awake_.data();
        double* const clock = clock_.data();
        for (std::int32_t w = of_->workers; w-- > 0;) {
            at[w] = offsets[w];
            waits[w] = -1;
            clock[w] = 0;
            awake[sleepers++] = w;
        }
        return sleepers;
    }

    /// Returns the cost of the order that was played last.
    constexpr value measure(const order& rows) const {
        value out{0, 0, 0};
        for (std::size_t w = 0; w < clock_.size(); ++w) {
            const auto first = static_cast<std::size_t>(of_->offsets[w]);
            if (of_->offsets[w] == of_->offsets[w + 1]) continue;
            const double span = clock_[w] - starts_[static_cast<std::size_t>(of_->base[rows[first]])];
            out.makespan = (std::max)(out.makespan, clock_[w]);
            out.span = (std::max)(out.span, span);
            out.sum += span;
        }
        return out;
    }

    const instance* of_;
    std::vector<double> ends_;  // per pass, by pass chain: instance::base
    std::vector<double> starts_;
    std::vector<std::int32_t> done_;  // per pass chain
    std::vector<std::int32_t> at_;    // per worker
    std::vector<std::int32_t> waits_;
    std::vector<double> clock_;
    std::vector<std::int32_t> awake_;
};

}  // namespace chimera::detail::seek
