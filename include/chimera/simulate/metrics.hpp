// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

struct worker_metrics {
    double busy = 0;              ///< seconds in which it computes
    double idle = 0;              ///< makespan - busy
    double span = 0;              ///< last end minus first start of its passes
    double peak_activations = 0;  ///< most live activations, in micro-batches of one stage
};

/// What a chain of slots that determines the makespan is made of.
struct critical_path {
    int forwards = 0;
    int backwards = 0;  ///< full backwards and input gradients
    int others = 0;     ///< weight gradients, recomputes, updates
};

struct metrics_report {
    double makespan = 0;           ///< seconds from 0 to the last end, updates included
    double longest_span = 0;
    double bubble_ratio = 0;       ///< 1 - busy / (workers · makespan)
    double span_bubble_ratio = 0;  ///< 1 - largest busy / longest_span
    std::int64_t slots = 0;        ///< compute steps
    critical_path critical;
    std::vector<worker_metrics> workers;
};

namespace detail {

constexpr worker_metrics measure_row(std::span<const step> row, int parts, std::int64_t& slots) {
    worker_metrics out;
    double start = -1;
    double end = 0;
    std::int32_t live = 0;
    std::int32_t peak = 0;
    for (const step& s : row) {
        if (!is_compute(s.op)) continue;
        ++slots;
        out.busy += s.end - s.begin;
        start = start < 0 ? s.begin : std::min(start, s.begin);
        end = std::max(end, s.end);
        if (s.op == action::forward) live += s.count;
        peak = std::max(peak, live);
        if (s.op == action::backward || s.op == action::weight_gradient) live -= s.count;
    }
    out.span = start < 0 ? 0 : end - start;
    out.peak_activations = static_cast<double>(peak) / parts;
    return out;
}

constexpr bool hands_gradient(action op) { return op == action::backward || op == action::input_gradient; }

/// Walks back from the last step along what each step waited for. `tolerance`: gaps up to this count as none.
class critical_walk {
public:
    constexpr critical_walk(const timeline& of, double tolerance)
        : of_(of), tolerance_(tolerance), units_(static_cast<std::size_t>(of.head.units())),
          half_(units_ * static_cast<std::size_t>(of.head.stages)), producer_(2 * half_, -1) {
        for (std::size_t i = 0; i < of.steps.size(); ++i) {
            const step& s = of.steps[i];
            if (s.op != action::forward && !hands_gradient(s.op)) continue;
            for (std::size_t u = 0; u < s.count; ++u) producer_[key(s.op != action::forward, s.stage, s.first) + u] = static_cast<std::int32_t>(i);
        }
        worker_start_.assign(of.steps.size(), 0);
        for (std::size_t w = 0; w + 1 < of.offsets.size(); ++w)
            if (of.offsets[w] < of.offsets[w + 1]) worker_start_[static_cast<std::size_t>(of.offsets[w])] = 1;
    }

    constexpr critical_path walk() const {
        critical_path out;
        std::int32_t at = last();
        for (std::size_t left = of_.steps.size(); at >= 0 && left > 0; --left) {
            const step& s = of_.steps[static_cast<std::size_t>(at)];
            (s.op == action::forward ? out.forwards : hands_gradient(s.op) ? out.backwards : out.others) += 1;
            at = before(static_cast<std::size_t>(at));
        }
        return out;
    }

private:
    constexpr std::size_t key(bool gradient, int stage, int unit) const {
        return (gradient ? half_ : 0) + static_cast<std::size_t>(stage) * units_ + static_cast<std::size_t>(unit);
    }
    constexpr std::int32_t last() const {
        std::int32_t at = -1;
        for (std::size_t i = 0; i < of_.steps.size(); ++i)
            if (is_compute(of_.steps[i].op) && (at < 0 || of_.steps[i].end > of_.steps[static_cast<std::size_t>(at)].end))
                at = static_cast<std::int32_t>(i);
        return at;
    }
    /// The step whose boundary tensor `s` needed last; -1 if none.
    constexpr std::int32_t source(const step& s) const {
        const bool gradient = hands_gradient(s.op);
        const int from = gradient ? s.stage + 1 : s.stage - 1;
        std::int32_t out = -1;
        if ((s.op != action::forward && !gradient) || from < 0 || from == of_.head.stages) return out;
        for (int u = s.first; u < s.first + s.count; ++u) {
            const std::int32_t p = producer_[key(gradient, from, u)];
            if (out < 0 || (p >= 0 && of_.steps[static_cast<std::size_t>(p)].end > of_.steps[static_cast<std::size_t>(out)].end)) out = p;
        }
        return out;
    }
    /// What the step waited for. Where its worker and its input were both just in time, the backward counts: it is the longer.
    constexpr std::int32_t before(std::size_t i) const {
        const step& s = of_.steps[i];
        const std::int32_t row = worker_start_[i] != 0 ? -1 : static_cast<std::int32_t>(i) - 1;
        const std::int32_t data = source(s);
        if (row < 0 || data < 0) return std::max(row, data);
        const step& on_worker = of_.steps[static_cast<std::size_t>(row)];
        const step& on_data = of_.steps[static_cast<std::size_t>(data)];
        if (on_worker.end < s.begin - tolerance_) return data;
        if (on_data.end < s.begin - tolerance_) return row;
        return hands_gradient(on_data.op) || !hands_gradient(on_worker.op) ? data : row;
    }

    const timeline& of_;
    double tolerance_;
    std::size_t units_;
    std::size_t half_;
    std::vector<std::int32_t> producer_;  // (kind, stage, unit) → step
    std::vector<std::uint8_t> worker_start_;
};

}  // namespace detail

/// The contract's metrics of a timeline, predicted or measured.
/// `tolerance`: seconds; smaller gaps between a step and what it waited for do not end the critical path's search there.
constexpr metrics_report metrics(const timeline& of, double tolerance = 0) {
    metrics_report out;
    double busy = 0;
    double most = 0;
    out.workers.reserve(static_cast<std::size_t>(of.head.workers));
    for (int w = 0; w < of.head.workers; ++w) {
        out.workers.push_back(detail::measure_row(of.row(w), of.head.micro_batch_parts, out.slots));
        busy += out.workers.back().busy;
        most = std::max(most, out.workers.back().busy);
        out.longest_span = std::max(out.longest_span, out.workers.back().span);
    }
    for (const step& s : of.steps) out.makespan = std::max(out.makespan, s.end);
    for (const step& s : of.reductions) out.makespan = std::max(out.makespan, s.end);
    for (worker_metrics& w : out.workers) w.idle = out.makespan - w.busy;
    if (out.makespan > 0) out.bubble_ratio = 1 - busy / (of.head.workers * out.makespan);
    if (out.longest_span > 0) out.span_bubble_ratio = 1 - most / out.longest_span;
    out.critical = detail::critical_walk(of, tolerance + 1e-9 * out.makespan).walk();
    return out;
}

}  // namespace chimera
