// SPDX-License-Identifier: Apache-2.0
#include <executor/play/ranking.hpp>

#include <algorithm>
#include <tuple>

namespace chimera::executor::play {

namespace {

/// `scale`: stages of the settings in one of the contender's.
ranked row_of(const contender& from, double scale) {
    return {.name = from.name,
            .options = from.options,
            .stages = from.head.stages,
            .makespan = from.found.makespan,
            .bubble_ratio = from.found.bubble_ratio,
            .peak = from.peak * scale,
            .weights = from.weights * scale,
            .messages = from.messages};
}

}  // namespace

const ranked* ranking::fastest() const {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [](const ranked& r) { return r.options.which != family::data_parallel; });
    return found == rows.end() ? leanest() : &*found;
}

const ranked* ranking::leanest() const {
    const auto found = std::min_element(rows.begin(), rows.end(), [](const ranked& a, const ranked& b) {
        return std::tie(a.peak, a.makespan) < std::tie(b.peak, b.makespan);
    });
    return found == rows.end() ? nullptr : &*found;
}

ranked row_of(const outcome& from) { return row_of(*from.made, from.peak_scale); }

ranking rank(const contest& with, double stages) {
    std::vector<refused_family> others;
    ranking out;
    for (const contender& c : hold(with, others))
        if (c.stale == 0) out.rows.push_back(row_of(c, stages / c.head.stages));
    for (const refused_family& r : others) ++(r.over_memory ? out.over_memory : out.refused);
    std::stable_sort(out.rows.begin(), out.rows.end(), [](const ranked& a, const ranked& b) {
        return std::tie(a.makespan, a.peak) < std::tie(b.makespan, b.peak);
    });
    return out;
}

settings take(const settings& of, const ranked& row) {
    settings out = of;
    out.of = row.options;
    if (row.options.which == family::data_parallel) {
        out.of.stages = row.options.width;
        out.of.micro_batches = row.options.micro_batches * row.options.width;
        out.of.width = 1;
    }
    const double part = static_cast<double>(of.of.stages) / static_cast<double>(out.of.stages);
    for (double settings::*time : {&settings::forward, &settings::backward, &settings::weight_gradient,
                                   &settings::recompute, &settings::reduce, &settings::update})
        out.*time *= part;
    if (out.memory) *out.memory /= part;
    return out;
}

}  // namespace chimera::executor::play
