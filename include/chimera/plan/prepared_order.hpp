// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/memory/activation_points.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/schedule/family.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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
    /// Returns the reductions as they start under a mode. Valid as long as this object.
    const reduction_order& reductions(reduction_start mode) {
        auto& found = reductions_[static_cast<std::size_t>(mode)];
        if (!found) found = std::make_unique<reduction_order>(detail::order_reductions(order_, groups_, mode));
        return *found;
    }
    /// Returns the bytes of activations that a worker of an order without recompute slots holds at their peak.
    /// `stages`: of every stage, for one unit. Reads the worker's row once; again only where it has too many points.
    double activations(int worker, std::span<const stage_memory> stages) {
        const auto w = static_cast<std::size_t>(worker);
        while (points_.size() <= w) {
            const auto next = static_cast<int>(points_.size());
            points_.emplace_back(view().row(next), stages_of(next));
        }
        return points_[w].complete() ? points_[w].peak(stages) : activation_peak(view().row(worker), stages);
    }

private:
    schedule order_;
    detail::replica_groups groups_;
    std::vector<std::vector<std::int32_t>> held_;
    std::array<std::unique_ptr<reduction_order>, 3> reductions_;
    std::vector<activation_points> points_;  // of the first workers
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
