// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/critical_path.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// The figures of one worker in an iteration, in the timeline's own seconds (or ticks).
struct worker_metrics {
    double busy = 0;              ///< seconds in which it computes
    double idle = 0;              ///< makespan - busy
    double span = 0;              ///< last end minus first start of its passes
    double peak_activations = 0;  ///< most live activations, in micro-batches of one stage
};

/// The figures of a timeline, in its own seconds (or ticks); ratios are of 1.
struct metrics_report {
    double makespan = 0;                  ///< seconds from 0 to the last end, updates included
    double longest_span = 0;              ///< largest `span` of a worker, in seconds
    double bubble_ratio = 0;              ///< 1 - busy / (workers · makespan)
    double span_bubble_ratio = 0;         ///< 1 - largest busy / longest_span
    std::int64_t slot_total = 0;          ///< compute steps
    critical_path critical;               ///< passes on the chain that determines the makespan
    std::vector<worker_metrics> workers;  ///< of each worker
};

namespace detail {

constexpr worker_metrics measure_row(std::span<const step> row, int parts, std::int64_t& slot_total) {
    worker_metrics out;
    double start = -1;
    double end = 0;
    std::int32_t live = 0;
    std::int32_t peak = 0;
    for (const step& s : row) {
        if (!is_compute(s.op)) continue;
        ++slot_total;
        if (s.end > end) out.busy += s.end - (std::max)(s.begin, end);  // pairs count once
        start = start < 0 ? s.begin : (std::min)(start, s.begin);
        end = (std::max)(end, s.end);
        if (s.op == action::forward) live += s.count;
        peak = (std::max)(peak, live);
        if (s.op == action::backward || s.op == action::weight_gradient) live -= s.count;
    }
    out.span = start < 0 ? 0 : end - start;
    out.peak_activations = static_cast<double>(peak) / parts;
    return out;
}

}  // namespace detail

/// Returns the figures of a timeline, predicted or measured.
/// `tolerance`: seconds; smaller gaps between a step and what it waited for do not end the critical path's search
/// there.
[[nodiscard]] constexpr metrics_report metrics(const timeline& run, double tolerance = 0) {
    metrics_report out;
    double busy = 0;
    double most = 0;
    out.workers.reserve(static_cast<std::size_t>(run.head.workers));
    for (int w = 0; w < run.head.workers; ++w) {
        out.workers.push_back(detail::measure_row(run.row(w), run.head.micro_batch_parts, out.slot_total));
        busy += out.workers.back().busy;
        most = (std::max)(most, out.workers.back().busy);
        out.longest_span = (std::max)(out.longest_span, out.workers.back().span);
    }
    for (const step& s : run.steps) out.makespan = (std::max)(out.makespan, s.end);
    for (const step& s : run.reductions) out.makespan = (std::max)(out.makespan, s.end);
    for (worker_metrics& w : out.workers) w.idle = out.makespan - w.busy;
    if (out.makespan > 0) out.bubble_ratio = 1 - busy / (run.head.workers * out.makespan);
    if (out.longest_span > 0) out.span_bubble_ratio = 1 - most / out.longest_span;
    out.critical = find_critical_path(run, tolerance + 1e-9 * out.makespan);
    return out;
}

}  // namespace chimera
