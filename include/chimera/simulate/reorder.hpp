// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/query.hpp>
#include <chimera/simulate/cost_tables.hpp>
#include <chimera/simulate/simulate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

/// A list scheduler under real costs. A worker's row is read as three lanes, each kept in order: forwards, gradients
/// (with their recomputes), weight gradients. A free worker runs, of the first slots of the first two lanes that are
/// ready, the one that stands earlier in its row; else a weight gradient. Forwards wait while memory is full. It always
/// ends if the order can run within the memory: the undone slot that comes first in the order's own time is first in
/// its lane, has its inputs, and no more is live on its worker than in the order.
class reorderer {
public:
    constexpr reorderer(schedule_view of, const costs& c, std::vector<std::int32_t> limits)
        : of_(of), rates_(c, of.head), units_(static_cast<std::size_t>(of.head.units())),
          gradients_(units_ * static_cast<std::size_t>(of.head.stages)), ends_(2 * gradients_, missing),
          rows_(static_cast<std::size_t>(of.head.workers)), out_{of.head,
                                                                 {of.placement.begin(), of.placement.end()},
                                                                 {of.offsets.begin(), of.offsets.end()},
                                                                 std::vector<slot>(of.entries.size(), slot{}),
                                                                 {of.links.begin(), of.links.end()}} {
        for (const slot& s : of.entries)
            if (s.overlap == 1)
                refuse("re-ordering of pairs (they are bound to their place) re-time the order instead");
        for (std::size_t w = 0; w < rows_.size(); ++w) {
            const std::int32_t from = of.offsets[w];
            rows_[w] = {{from, from, from}, from, of.offsets[w + 1], 0, limits[w], 0};
            wake(static_cast<std::int32_t>(w), 0);
        }
    }

    [[nodiscard]] constexpr schedule run() {
        std::size_t left = of_.entries.size();
        while (!calendar_.empty()) {
            std::pop_heap(calendar_.begin(), calendar_.end(), later);
            const auto [time, w] = calendar_.back();
            calendar_.pop_back();
            if (rows_[static_cast<std::size_t>(w)].free <= time) left -= step(w, time);
        }
        if (left > 0)
            refuse("the order cannot run (it waits for itself, or the memory is too small) verify it or allow more");
        return compact(std::move(out_));
    }

private:
    using event = std::pair<double, std::int32_t>;
    static constexpr double missing = -1;
    [[nodiscard]] static constexpr bool later(const event& a, const event& b) noexcept { return b < a; }

    struct row {
        std::array<std::int32_t, 3> at{};  // the next slot of each lane
        std::int32_t to = 0;               // place of the next slot
        std::int32_t end = 0;
        std::int32_t live = 0;
        std::int32_t limit = 0;
        double free = 0;  // when the worker has ended what it runs
    };

    [[nodiscard]] static constexpr std::size_t lane_of(pass op) noexcept {
        return op == pass::forward ? 0 : op == pass::weight_gradient ? 2 : 1;
    }
    [[nodiscard]] constexpr const slot& at(std::int32_t i) const noexcept {
        return of_.entries[static_cast<std::size_t>(i)];
    }
    constexpr void wake(std::int32_t w, double time) {
        calendar_.push_back({time, w});
        std::push_heap(calendar_.begin(), calendar_.end(), later);
    }

    constexpr std::size_t step(std::int32_t w, double time) {
        row& r = rows_[static_cast<std::size_t>(w)];
        for (std::size_t lane = 0; lane < 3; ++lane)
            while (r.at[lane] != r.end && lane_of(at(r.at[lane]).op) != lane) ++r.at[lane];
        std::size_t best = 3;
        for (std::size_t lane = 0; lane < 2; ++lane)
            if (ready(r, lane, time) && (best == 3 || r.at[lane] < r.at[best])) best = lane;
        if (best == 3 && r.at[2] != r.end && r.at[2] < r.at[1]) best = 2;  // behind its input gradient in the row
        if (best == 3) {
            wait(w, r, time);
            return 0;
        }
        start(w, r, at(r.at[best]++), time);
        return 1;
    }

    /// Looks again when an input that is on its way will have arrived; others wake the worker when they are made.
    constexpr void wait(std::int32_t w, const row& r, double time) {
        for (std::size_t lane = 0; lane < 2; ++lane)
            if (r.at[lane] != r.end)
                if (const double inputs = inputs_end(at(r.at[lane])); inputs > time) wake(w, inputs);
    }

    constexpr bool ready(const row& r, std::size_t lane, double time) {
        if (r.at[lane] == r.end) return false;
        const slot& s = at(r.at[lane]);
        if (s.op == pass::forward && r.live + s.count > r.limit) return false;
        if (s.op != pass::forward && r.at[0] != r.end && r.at[0] < r.at[lane] && holds(s, r.at[0], r.at[lane]))
            return false;
        // A recompute waits for what its backward waits for: done early it would only hold memory.
        const double inputs = inputs_end(s);
        return inputs != missing && inputs <= time;
    }
    /// Returns whether one of the slots from `from` to `to` is the forward that s needs.
    [[nodiscard]] constexpr bool holds(const slot& s, std::int32_t from, std::int32_t to) const noexcept {
        const double* const own = ends_.data() + s.stage * units_ + static_cast<std::size_t>(s.first);
        for (int u = 0; u < s.count; ++u)
            if (own[u] == missing) return from < to;
        return false;
    }

    [[nodiscard]] constexpr double inputs_end(const slot& s) const noexcept {
        const bool forward = s.op == pass::forward;
        const int from = forward ? s.stage - 1 : s.stage + 1;
        if (from < 0 || from == of_.head.stages) return 0;
        const bool crosses = of_.worker_of(s.pipeline, from) != of_.worker_of(s.pipeline, s.stage);
        const double travel =
            crosses ? rates_.transfer[static_cast<std::size_t>(forward ? from : int{s.stage})] * s.count : 0.0;
        const double* const ends = ends_.data() + (forward ? 0 : gradients_) + static_cast<std::size_t>(from) * units_ +
                                   static_cast<std::size_t>(s.first);
        double end = 0;
        for (int u = 0; u < s.count; ++u) {
            if (ends[u] == missing) return missing;
            end = (std::max)(end, ends[u] + travel);
        }
        return end;
    }

    constexpr void start(std::int32_t w, row& r, const slot& s, double time) {
        out_.entries[static_cast<std::size_t>(r.to++)] = s;
        r.free = time + rates_.of(s);
        if (s.op == pass::forward) r.live += s.count;
        if (ends_activation(s.op)) r.live -= s.count;
        wake(w, r.free);
        const bool forward = s.op == pass::forward;
        if (!forward && !sends_gradient(s.op)) return;
        double* const own =
            ends_.data() + (forward ? 0 : gradients_) + s.stage * units_ + static_cast<std::size_t>(s.first);
        for (int u = 0; u < s.count; ++u) own[u] = r.free;
        const int next = forward ? s.stage + 1 : s.stage - 1;
        if (next < 0 || next == of_.head.stages) return;
        const std::int32_t consumer = of_.worker_of(s.pipeline, next);
        if (consumer == w) return;
        const double arrival = r.free + rates_.transfer[static_cast<std::size_t>(forward ? s.stage : next)] * s.count;
        wake(consumer, arrival);
    }

    schedule_view of_;
    rates rates_;
    std::size_t units_;
    std::size_t gradients_;     // begin of the gradients in `ends_`
    std::vector<double> ends_;  // of forward (stage, unit), then of its (input) gradient
    std::vector<row> rows_;
    std::vector<event> calendar_;  // a heap: when to look at which worker
    schedule out_;
};

/// The makespan of an order under these costs.
[[nodiscard]] constexpr double seconds_of(schedule_argument of, const costs& c) {
    double end = 0;
    for (const step& s : simulate(of, c).steps) end = (std::max)(end, s.end);
    return end;
}

}  // namespace detail

/// Returns the order after a greedy search under real costs. A worker takes gradients and forwards as they become
/// ready, the one that comes first in `order` before the others, and weight gradients when it would idle.
/// `memory`: the most live activations of a worker, in units; none: as many as `order` needs.
/// The ticks are those of the new order with the slots' own lengths. If the search finds nothing shorter and `order`
/// keeps within the memory, the result is `order` re-timed. Throws `chimera_error` for paired slots and for a memory
/// below what the order needs. O(slots · log slots).
[[nodiscard]] constexpr schedule compact(schedule_argument order, const costs& c, std::optional<int> memory = {}) {
    std::vector<std::int32_t> limits;
    limits.reserve(static_cast<std::size_t>(order.head.workers));
    bool within = true;
    for (int w = 0; w < order.head.workers; ++w) {
        limits.push_back(memory ? *memory : peak_units(order, worker{w}));
        within = within && peak_units(order, worker{w}) <= limits.back();
    }
    schedule out = detail::reorderer(order, c, std::move(limits)).run();
    if (!within || detail::seconds_of(out, c) < detail::seconds_of(order, c)) return out;
    return compact(schedule{order.head,
                            {order.placement.begin(), order.placement.end()},
                            {order.offsets.begin(), order.offsets.end()},
                            {order.entries.begin(), order.entries.end()},
                            {order.links.begin(), order.links.end()}});
}

}  // namespace chimera
