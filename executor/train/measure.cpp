// SPDX-License-Identifier: Apache-2.0
#include <chimera/simulate/metrics.hpp>
#include <executor/train/measure.hpp>

#include <algorithm>
#include <array>

namespace chimera::executor {

namespace {

/// Times by pass and stage.
class samples {
public:
    explicit samples(int stages) : each_(static_cast<std::size_t>(action_count), lists(static_cast<std::size_t>(stages))) {}
    void add(action op, int stage, double seconds) { of(op)[static_cast<std::size_t>(stage)].push_back(seconds); }
    per_stage medians(action op) {
        std::vector<double> values;
        for (const auto& list : of(op)) values.push_back(median(list));
        return values;
    }

private:
    using lists = std::vector<std::vector<double>>;
    lists& of(action op) { return each_[static_cast<std::size_t>(op)]; }
    std::vector<lists> each_;
};

/// The last end of a worker's passes.
double end_of_passes(const timeline& t, int worker) {
    double end = 0;
    for (const step& s : t.row(worker))
        if (is_compute(s.op)) end = std::max(end, s.end);
    return end;
}

/// A worker waits for its reductions one after the other, in their order, once its passes have ended: what is left between
/// the moment when all members were free and the last end is the reduction's own time.
void add_reductions(const timeline& t, samples& into) {
    const auto stages = static_cast<std::size_t>(t.head.stages);
    std::vector<double> free(stages, 0), end(stages, 0);
    for (int w = 0; w < t.head.workers; ++w) {
        double before = end_of_passes(t, w);
        for (const step& r : t.reductions_of(w)) {
            free[r.stage] = std::max({free[r.stage], before, r.begin});
            end[r.stage] = std::max(end[r.stage], r.end);
            before = std::max(before, r.end);
        }
    }
    for (std::size_t s = 0; s < stages; ++s)
        if (end[s] > 0) into.add(action::reduce_gradient, static_cast<int>(s), std::max(0.0, end[s] - free[s]));
}

}  // namespace

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

costs fit_costs(std::span<const timeline> measured) {
    costs fitted;
    if (measured.empty()) return fitted;
    const shape& head = measured[0].head;
    samples all(head.stages);
    for (const timeline& t : measured) {
        for (const step& s : t.steps) {
            const double parts = is_compute(s.op) ? static_cast<double>(head.micro_batch_parts) / s.count : 1;
            all.add(s.op, s.stage, (s.end - s.begin) * parts);
        }
        add_reductions(t, all);
    }
    fitted.forward = all.medians(action::forward);
    fitted.backward = all.medians(action::backward);
    fitted.input_gradient = all.medians(action::input_gradient);
    fitted.weight_gradient = all.medians(action::weight_gradient);
    fitted.recompute = all.medians(action::recompute);
    fitted.update = all.medians(action::update_weights);
    fitted.reduce.seconds = all.medians(action::reduce_gradient);
    return fitted;
}

void iteration_record::add(const timeline& measured) {
    const auto found = metrics(measured);
    const auto recent = std::min<std::ptrdiff_t>(101, static_cast<std::ptrdiff_t>(makespans_.size()));
    const bool first = makespans_.empty();
    if (first || found.makespan <= median({makespans_.end() - recent, makespans_.end()})) typical_ = measured;
    makespans_.push_back(found.makespan);
    bubbles_.push_back(found.bubble_ratio);
}

}  // namespace chimera::executor
