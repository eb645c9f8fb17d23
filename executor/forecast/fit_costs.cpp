// SPDX-License-Identifier: Apache-2.0
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>
#include <executor/forecast/fit_costs.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace chimera::executor {

namespace {

/// Times by action and stage: the mean within an iteration, and of these the median.
class samples {
public:
    explicit samples(int stages)
        : each_(static_cast<std::size_t>(action_count), row(static_cast<std::size_t>(stages))) {}
    void add(action op, int stage, double seconds) {
        cell& c = of(op)[static_cast<std::size_t>(stage)];
        c.sum += seconds;
        ++c.count;
    }
    void end_iteration() {
        for (row& r : each_)
            for (cell& c : r)
                if (c.count > 0) c.means.push_back(c.sum / std::exchange(c.count, 0)), c.sum = 0;
    }
    per_stage medians(action op) {
        std::vector<double> values;
        for (const cell& c : of(op)) values.push_back(median(c.means));
        return values;
    }

private:
    struct cell {
        double sum = 0;
        int count = 0;
        std::vector<double> means;
    };
    using row = std::vector<cell>;
    row& of(action op) { return each_[static_cast<std::size_t>(op)]; }
    std::vector<row> each_;
};

/// The last end of a worker's passes.
double end_of_passes(const timeline& t, int worker) {
    double end = 0;
    for (const step& s : t.row(worker))
        if (is_compute(s.op)) end = std::max(end, s.end);
    return end;
}

/// A worker waits for its reductions one after the other, in their order, once its passes have ended: what is left
/// between the moment when all members were free and the last end is the reduction's own time. Where weights change
/// within the iteration, it waits at once, and the members are free when they start it.
void add_reductions(const timeline& t, samples& into) {
    const bool flushed = t.head.update == update_rule::flushed;
    std::map<std::pair<int, int>, std::pair<double, double>> spans;  // stage, which of its reductions -> free, end
    for (int w = 0; w < t.head.workers; ++w) {
        double before = flushed ? end_of_passes(t, w) : 0;
        std::vector<int> seen(static_cast<std::size_t>(t.head.stages), 0);
        for (const step& r : t.reductions_of(w)) {
            auto& [free, end] = spans[{r.stage, seen[r.stage]++}];
            free = std::max({free, before, r.begin});
            end = std::max(end, r.end);
            if (flushed) before = std::max(before, r.end);
        }
    }
    for (const auto& [which, span] : spans)
        into.add(action::reduce_gradient, which.first, std::max(0.0, span.second - span.first));
}

/// Mean time from the latest end of anything to the start of a step. Workers do not idle while they could compute, so
/// that end is what the step waited for; an end that only happens to lie between makes the number a little too small.
double mean_hand_over(const timeline& t) {
    std::vector<double> ends{0};
    for (const step& s : t.steps) ends.push_back(s.end);
    for (const step& r : t.reductions) ends.push_back(r.end);
    std::sort(ends.begin(), ends.end());
    double sum = 0;
    for (const step& s : t.steps) sum += s.begin - *std::prev(std::upper_bound(ends.begin(), ends.end(), s.begin));
    return t.steps.empty() ? 0 : sum / static_cast<double>(t.steps.size());
}

per_stage longer(const per_stage& costs, double seconds) {
    per_stage sum = costs;
    for (double& value : sum.values)
        if (value > 0) value += seconds;
    return sum;
}

}  // namespace

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

fitted_costs fit_costs(std::span<const timeline> measured) {
    fitted_costs fitted;
    if (measured.empty()) return fitted;
    const shape& head = measured[0].head;
    samples all(head.stages);
    std::vector<double> hand_overs;
    for (const timeline& t : measured) {
        for (const step& s : t.steps) {
            const double parts = is_compute(s.op) ? static_cast<double>(head.micro_batch_parts) / s.count : 1;
            all.add(s.op, s.stage, (s.end - s.begin) * parts);
        }
        add_reductions(t, all);
        all.end_iteration();
        hand_overs.push_back(mean_hand_over(t));
    }
    auto& c = fitted.each;
    c.forward = all.medians(action::forward);
    c.backward = all.medians(action::backward);
    c.input_gradient = all.medians(action::input_gradient);
    c.weight_gradient = all.medians(action::weight_gradient);
    c.recompute = all.medians(action::recompute);
    c.update = all.medians(action::update_weights);
    c.reduce.seconds = all.medians(action::reduce_gradient);
    fitted.hand_over = median(hand_overs);
    return fitted;
}

timeline simulate_fitted(const program_view& of, const fitted_costs& fitted, int cores) {
    // A hand-over holds its core like the step it leads to; in the picture the step then starts behind it.
    costs c = fitted.each;
    const double parts = of.head.micro_batch_parts;
    for (per_stage* each : {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute})
        *each = longer(*each, fitted.hand_over * parts);
    c.update = longer(c.update, fitted.hand_over);
    timeline expected = simulate(of, c, cores);
    for (step& s : expected.steps)
        s.begin = std::min(s.end, s.begin + fitted.hand_over * (is_compute(s.op) ? s.count : 1));
    return expected;
}

void iteration_record::add(const timeline& measured) {
    const auto found = metrics(measured);
    makespans_.push_back(found.makespan);
    bubbles_.push_back(found.bubble_ratio);
    const auto recent = std::min<std::ptrdiff_t>(101, static_cast<std::ptrdiff_t>(makespans_.size()));
    const double middle = median({makespans_.end() - recent, makespans_.end()});
    if (makespans_.size() > 1 && std::abs(found.makespan - middle) > std::abs(typical_makespan_ - middle)) return;
    typical_ = measured;
    typical_makespan_ = found.makespan;
}

}  // namespace chimera::executor
