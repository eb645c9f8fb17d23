// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/slot.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/profile/engine_times.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace chimera::executor {

namespace {

struct gaps {
    std::vector<double> start, hand_over, transfer, settle;
};

/// Mean of the smaller nine tenths: what a step is held up by for once (another program, a page) is no property of it.
double usual(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    values.resize(values.size() - values.size() / 10);
    double sum = 0;
    for (const double v : values) sum += v;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// One iteration's ends: of passes by what they hand on, and of everything in order of time.
struct ends {
    std::map<std::pair<int, int>, double> activation, gradient;  // (stage, unit)
    std::vector<double> all;

    explicit ends(const timeline& t) : all(1, 0.0) {
        for (const step& s : t.steps) {
            all.push_back(s.end);
            for (int k = 0; k < s.count; ++k) {
                if (s.op == action::forward) activation[{s.stage, s.first + k}] = s.end;
                if (s.op == action::backward || s.op == action::input_gradient)
                    gradient[{s.stage, s.first + k}] = s.end;
            }
        }
        std::sort(all.begin(), all.end());
    }

    /// When the other stage's tensor was there to be sent; 0 where nothing is waited for.
    double input_of(const step& s, int stages) const {
        double latest = 0;
        for (int k = 0; k < s.count; ++k) {
            if (s.op == action::forward && s.stage > 0)
                latest = std::max(latest, activation.at({s.stage - 1, s.first + k}));
            if ((s.op == action::backward || s.op == action::input_gradient) && s.stage + 1 < stages)
                latest = std::max(latest, gradient.at({s.stage + 1, s.first + k}));
        }
        return latest;
    }
    double latest_before(double time) const { return *std::prev(std::upper_bound(all.begin(), all.end(), time)); }
};

/// Counts the steps that run at a time, except the one which begins or ends just then.
int running(const timeline& t, double time) {
    int count = 0;
    for (const step& s : t.steps) count += s.begin < time && s.end > time ? 1 : 0;
    return count;
}

void add_row(const timeline& t, int worker, int cores, const ends& known, gaps& into) {
    constexpr double wake = 200e-6;  // what a message takes at most, to tell a worker that waits from one that works
    double before = 0;
    for (const step& s : t.row(worker)) {
        if (!is_compute(s.op)) break;
        const double input = known.input_of(s, t.head.stages), ready = std::max(before, input);
        const double released = known.latest_before(s.begin);
        if (ready == 0)
            into.start.push_back(s.begin);
        else if (cores > 0 && released > ready)  // it stood in line for a core
            into.hand_over.push_back(s.begin - released);
        else if (input > before && (cores == 0 || running(t, ready) < cores))
            into.transfer.push_back(s.begin - input);
        else if (before > input + wake || input == 0)
            into.hand_over.push_back(s.begin - before);
        before = s.end;
    }
}

void add_settle(const timeline& t, gaps& into) {
    double last = 0, first = -1;
    for (const step& r : t.reductions) last = std::max(last, r.end);
    for (const step& s : t.steps) {
        if (is_compute(s.op))
            last = std::max(last, s.end);
        else if (first < 0 || s.begin < first)
            first = s.begin;
    }
    if (first > last) into.settle.push_back(first - last);
}

}  // namespace

profiled_engine engine_times(std::span<const timeline> measured, int cores) {
    gaps all;
    for (const timeline& t : measured) {
        const ends known(t);
        for (int w = 0; w < t.head.workers; ++w) add_row(t, w, cores, known, all);
        if (t.head.update == update_rule::flushed) add_settle(t, all);
    }
    profiled_engine found;
    found.workers = measured.empty() ? 0 : measured[0].head.workers;
    found.start = median(all.start);
    found.hand_over = usual(all.hand_over);
    found.transfer = usual(all.transfer);
    found.settle = median(all.settle);
    return found;
}

}  // namespace chimera::executor
