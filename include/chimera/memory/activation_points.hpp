// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/memory_timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// The units that a worker's row keeps at a time, stage by stage, at those points that no other point exceeds in all
/// stages. From them follows `activation_peak` for any bytes of a unit, without another look at the row. A backward (or
/// input gradient) counts what it recomputes from its own start on, as in a row without recompute slots.
class activation_points {
public:
    /// Limits of a row that is summed up: to read other rows again takes no longer.
    static constexpr std::size_t most_stages = 4, most_points = 32;

    /// Makes the points of a row without recompute slots. `held`: the stages that it runs through, ascending. Linear in
    /// the slots.
    constexpr activation_points(std::span<const slot> row, std::span<const std::int32_t> held)
        : stages_(held.begin(), held.end()), now_(2 * held.size(), 0) {
        if (held.size() > most_stages) return;
        change open;
        for (const slot& s : row) {
            const std::size_t at = place(s.stage);
            if (s.op == pass::forward) now_[at] += s.count;
            if (sends_gradient(s.op)) now_[stages_.size() + at] += s.count;
            const bool ends = ends_activation(s.op);
            // Between two slots that let units go, units only come: the last point exceeds the others.
            if ((ends || open.units != 0) && !note()) return;
            let_go(open);
            open = {};
            if (!ends) continue;
            const change freed{at, s.count};
            if (s.overlap != 0)
                open = freed;
            else
                let_go(freed);
        }
        complete_ = note();
    }

    /// Returns false if the row has too many stages or points.
    [[nodiscard]] constexpr bool complete() const noexcept { return complete_; }
    /// Returns the bytes of activations at their peak. `stages`: of every stage of the model, for one unit.
    [[nodiscard]] constexpr double peak(std::span<const stage_memory> stages) const {
        double out = 0;
        const std::size_t held = stages_.size();
        for (std::size_t from = 0; from < points_.size(); from += 2 * held) {
            double live = 0;
            for (std::size_t k = 0; k < held; ++k) {
                const stage_memory& of = stages[static_cast<std::size_t>(stages_[k])];
                live += points_[from + k] * of.kept + points_[from + held + k] * of.unfolded;
            }
            out = (std::max)(out, live);
        }
        return out;
    }
    /// Returns the units of each held stage that are kept at the peak if nothing is recomputed. `unit_bytes`: that a
    /// unit keeps, of every stage of the model.
    [[nodiscard]] constexpr std::span<const std::int32_t> kept_at_peak(std::span<const double> unit_bytes) const {
        const std::size_t held = stages_.size();
        std::size_t peak = 0;
        double most = -1;
        for (std::size_t from = 0; from < points_.size(); from += 2 * held) {
            double live = 0;
            for (std::size_t k = 0; k < held; ++k)
                live += points_[from + k] * unit_bytes[static_cast<std::size_t>(stages_[k])];
            if (live > most) most = live, peak = from;
        }
        return std::span(points_).subspan(peak, held);
    }

private:
    struct change {
        std::size_t at = 0;
        std::int32_t units = 0;
    };

    constexpr std::size_t place(std::int32_t stage) const {
        std::size_t at = 0;
        while (stages_[at] != stage) ++at;
        return at;
    }
    constexpr void let_go(const change& freed) {
        now_[freed.at] -= freed.units;
        now_[stages_.size() + freed.at] -= freed.units;
    }
    /// Adds the units of now, unless a point exceeds them. Rows repeat: the point after the last one is tried first.
    /// False: there are too many points.
    constexpr bool note() {
        const std::size_t width = now_.size(), count = points_.size() / width;
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = (last_ + 1 + k) % count;
            const auto point = points_.begin() + static_cast<std::ptrdiff_t>(i * width);
            if (!no_more(now_.begin(), point)) continue;
            last_ = i;
            return true;
        }
        if (count == most_points) return false;
        last_ = count;
        points_.insert(points_.end(), now_.begin(), now_.end());
        return true;
    }
    template <class First, class Second>
    constexpr bool no_more(First a, Second b) const {
        for (std::size_t k = 0; k < now_.size(); ++k, ++a, ++b)
            if (*a > *b) return false;
        return true;
    }

    std::vector<std::int32_t> stages_;
    std::vector<std::int32_t> now_;     // kept of each stage, then unfolded of each
    std::vector<std::int32_t> points_;  // one after the other, each as now_
    std::size_t last_ = 0;              // the point that was met last
    bool complete_ = false;
};

}  // namespace chimera
