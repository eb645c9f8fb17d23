// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/memory/activation_points.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/simulate/cost_tables.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace chimera {

/// One member's part in a stage's reduction: it starts once `after` of the worker's slots are done.
struct reduction_member {
    std::int32_t worker = 0;  ///< worker of the pipeline group
    std::int32_t after = 0;   ///< slots of its row that end before it starts
};

/// All reductions of an order in the one global order in which they start.
struct reduction_order {
    std::vector<std::int32_t> stages;       ///< in the order of their reductions
    std::vector<std::int32_t> offsets;      ///< into members, one more than stages
    std::vector<reduction_member> members;  ///< of one stage after the other
};

namespace detail {

/// Returns the reductions of an order in the order in which all their members start them. `groups`: the workers that
/// hold each stage.
constexpr reduction_order order_reductions(schedule_argument order, const replica_groups& groups,
                                           reduction_start mode) {
    const reduction_rows rows = find_reductions(order, groups, mode);
    const auto stages = static_cast<std::size_t>(order.head.stages);
    // Every worker's list is a part of one global order: merge them by that order's key.
    std::vector<std::int64_t> key(stages, -1);
    std::vector<std::vector<reduction_member>> members(stages);
    for (const reduction& r : rows.all) {
        const auto s = static_cast<std::size_t>(r.stage);
        key[s] = (std::max)(key[s], start_key(r));
        members[s].push_back({r.worker, r.after});
    }
    reduction_order out;
    for (std::size_t s = 0; s < stages; ++s) out.stages.push_back(static_cast<std::int32_t>(s));
    std::sort(out.stages.begin(), out.stages.end(), [&](std::int32_t a, std::int32_t b) {
        return key[static_cast<std::size_t>(a)] < key[static_cast<std::size_t>(b)];
    });
    out.offsets.push_back(0);
    for (const std::int32_t s : out.stages) {
        for (const reduction_member& m : members[static_cast<std::size_t>(s)]) out.members.push_back(m);
        out.offsets.push_back(static_cast<std::int32_t>(out.members.size()));
    }
    return out;
}

}  // namespace detail

/// An order with all data that the planner needs and that do not depend on costs. Reductions are found at their first
/// use.
class prepared_order {
public:
    /// Takes the order over, and finds the workers of each stage.
    explicit prepared_order(schedule order) : order_(std::move(order)), groups_(detail::find_groups(order_)) {
        held_.resize(static_cast<std::size_t>(order_.head.workers));
        for (int s = 0; s < order_.head.stages; ++s)
            for (const std::int32_t w : holders(s)) held_[static_cast<std::size_t>(w)].push_back(s);
    }

    /// Returns the order, valid as long as this object.
    [[nodiscard]] schedule_view view() const { return order_; }
    /// Returns the sizes.
    [[nodiscard]] const shape& head() const noexcept { return order_.head; }
    /// Returns the workers of one copy that hold the stage, ascending.
    [[nodiscard]] std::span<const std::int32_t> holders(int stage) const {
        const auto s = static_cast<std::size_t>(stage);
        return std::span<const std::int32_t>(groups_.members)
            .subspan(static_cast<std::size_t>(groups_.offsets[s]),
                     static_cast<std::size_t>(groups_.offsets[s + 1] - groups_.offsets[s]));
    }
    /// Returns the stages that a worker holds, ascending.
    [[nodiscard]] std::span<const std::int32_t> stages_of(int worker) const {
        return held_[static_cast<std::size_t>(worker)];
    }
    /// Returns of how many pipelines a worker holds each of `stages_of`.
    [[nodiscard]] std::span<const std::int32_t> copies_of(int worker) {
        if (copies_.empty()) count_copies();
        return copies_[static_cast<std::size_t>(worker)];
    }
    /// Returns the reductions as they start under a mode. Valid as long as this object.
    const reduction_order& reductions(reduction_start mode) {
        auto& found = reductions_[static_cast<std::size_t>(mode)];
        if (!found) found = std::make_unique<reduction_order>(detail::order_reductions(order_, groups_, mode));
        return *found;
    }
    /// Returns the seconds of all slots of each worker, valid until the next call. Reads the order once; after that it
    /// is linear in the stages that workers hold.
    std::span<const double> work(const costs& c) {
        if (counts_.empty()) count_passes();
        const detail::rates each(c, head());
        work_.assign(held_.size(), 0);
        auto count = counts_.begin();
        for (std::size_t w = 0; w < held_.size(); ++w)
            for (const std::int32_t s : held_[w])
                for (std::size_t op = 0; op < passes; ++op)
                    work_[w] +=
                        static_cast<double>(*count++) * each.pass[op * each.stages + static_cast<std::size_t>(s)];
        return work_;
    }
    /// Returns the bytes of activations that a worker of an order without recompute slots holds at their peak.
    /// `stages`: of every stage, for one unit. Reads the worker's row once; again only where it has too many points.
    double activations(int worker, std::span<const stage_memory> stages) {
        const activation_points& known = points_of(worker);
        return known.complete() ? known.peak(stages) : activation_peak(view().row(worker), stages);
    }

    /// Returns the units of each stage that a worker holds which it keeps where its activations are at their peak,
    /// nothing recomputed, of an order without recompute slots. `unit_bytes`: that a unit keeps, of every stage. Valid
    /// until the next call.
    std::span<const std::int32_t> kept_at_peak(int worker, std::span<const double> unit_bytes) {
        const activation_points& known = points_of(worker);
        if (known.complete()) return known.kept_at_peak(unit_bytes);
        const auto row = view().row(worker);
        const auto change = [](const slot& s) {
            return s.op == pass::forward ? s.count : ends_activation(s.op) ? -s.count : 0;
        };
        double live = 0, most = 0;
        const slot* peak = row.data();  // one past the slot
        for (const slot& s : row) {
            live += change(s) * unit_bytes[s.stage];
            if (live > most) most = live, peak = &s + 1;
        }
        kept_of_.assign(static_cast<std::size_t>(head().stages), 0);
        for (const slot* s = row.data(); s != peak; ++s) kept_of_[s->stage] += change(*s);
        kept_.clear();
        for (const std::int32_t s : stages_of(worker)) kept_.push_back(kept_of_[static_cast<std::size_t>(s)]);
        return kept_;
    }

private:
    static constexpr std::size_t passes = 5;  // kinds: see pass

    const activation_points& points_of(int worker) {
        const auto w = static_cast<std::size_t>(worker);
        while (points_.size() <= w) {
            const auto next = static_cast<int>(points_.size());
            points_.emplace_back(view().row(next), stages_of(next));
        }
        return points_[w];
    }
    void count_copies() {
        for (const auto& held : held_) copies_.emplace_back(held.size(), 0);
        for (int p = 0; p < head().pipelines; ++p)
            for (int s = 0; s < head().stages; ++s) {
                const auto w = static_cast<std::size_t>(view().worker_of(p, s));
                const auto& held = held_[w];
                ++copies_[w][static_cast<std::size_t>(std::lower_bound(held.begin(), held.end(), s) - held.begin())];
            }
    }
    /// Counts the units of each worker, stage and pass.
    void count_passes() {
        std::vector<std::size_t> place(static_cast<std::size_t>(head().stages), 0);
        for (std::size_t w = 0; w < held_.size(); ++w) {
            for (const std::int32_t s : held_[w]) {
                place[static_cast<std::size_t>(s)] = counts_.size();
                counts_.resize(counts_.size() + passes, 0);
            }
            for (const slot& one : view().row(static_cast<int>(w)))
                counts_[place[one.stage] + static_cast<std::size_t>(one.op)] += one.count;
        }
    }

    schedule order_;
    detail::replica_groups groups_;
    std::vector<std::vector<std::int32_t>> held_, copies_;
    std::array<std::unique_ptr<reduction_order>, 3> reductions_;
    std::vector<activation_points> points_;  // of the first workers
    std::vector<std::int64_t> counts_;       // units, by worker, stage that it holds, pass
    std::vector<double> work_;
    std::vector<std::int32_t> kept_of_, kept_;
};

/// A family's order, and its variant with a recompute before every backward, made at its first use.
class prepared_family {
public:
    /// Makes the order of a spec. Throws `chimera_error` if the family cannot be built.
    explicit prepared_family(const family_spec& spec) : plain_(generate(spec)) {}

    /// Returns the family's order.
    prepared_order& plain() { return plain_; }
    /// Returns the order with a recompute before every backward.
    prepared_order& recomputed() {
        if (!recomputed_) {
            const std::vector<std::uint8_t> all(static_cast<std::size_t>(plain_.head().stages), 1);
            recomputed_ = std::make_unique<prepared_order>(recompute(plain_.view(), all));
        }
        return *recomputed_;
    }

private:
    prepared_order plain_;
    std::unique_ptr<prepared_order> recomputed_;
};

}  // namespace chimera
