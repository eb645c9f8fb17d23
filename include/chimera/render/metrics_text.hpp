// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/simulate/metrics.hpp>

#include <string>

namespace chimera {

/// The metrics as one JSON object. Times in seconds (or ticks, whatever the timeline has).
/// `slots_per_second`: how fast the timeline was computed; 0 where it was measured.
[[nodiscard]] inline std::string json(const metrics_report& report, double slots_per_second = 0) {
    using format::put;
    std::string out = "{\"format\":\"chimera.metrics\",\"version\":1";
    put(out, ",\"makespan\":", report.makespan, ",\"longest_span\":", report.longest_span);
    put(out, ",\"bubble_ratio\":", report.bubble_ratio, ",\"span_bubble_ratio\":", report.span_bubble_ratio);
    put(out, ",\n \"critical_path\":{\"forwards\":", report.critical.forwards,
        ",\"backwards\":", report.critical.backwards);
    put(out, ",\"others\":", report.critical.others, "},\"slots\":", report.slot_total,
        ",\"slots_per_second\":", slots_per_second);
    put(out, ",\n \"workers\":[");
    const char* before = "\n  ";
    for (const worker_metrics& w : report.workers) {
        put(out, before, "{\"busy\":", w.busy, ",\"idle\":", w.idle, ",\"span\":", w.span);
        put(out, ",\"peak_activations\":", w.peak_activations, '}');
        before = ",\n  ";
    }
    put(out, "]}\n");
    return out;
}

/// The metrics in words, one per line, then one line per worker.
[[nodiscard]] inline std::string text(const metrics_report& report, time_unit unit, double slots_per_second = 0) {
    using format::fixed_point;
    using format::put;
    const char* name = unit == time_unit::ticks ? " ticks\n" : " s\n";
    const auto time = [&](double value) { return fixed_point{value, 9}; };
    std::string out;
    put(out, "makespan           ", time(report.makespan), name, "longest_span       ", time(report.longest_span),
        name);
    put(out, "bubble_ratio       ", fixed_point{report.bubble_ratio, 6}, "\nspan_bubble_ratio  ");
    put(out, fixed_point{report.span_bubble_ratio, 6}, "\ncritical_path      ", report.critical.forwards,
        " forwards, ");
    put(out, report.critical.backwards, " backwards");
    if (report.critical.others > 0) put(out, ", ", report.critical.others, " others");
    put(out, "\nslots              ", report.slot_total, '\n');
    if (slots_per_second > 0) put(out, "slots_per_second   ", fixed_point{slots_per_second, 0}, " (simulated)\n");
    const auto cell = [&](fixed_point value) {
        std::string digits;
        put(digits, value);
        put(out, std::string(digits.size() < 14 ? 14 - digits.size() : 1, ' '), digits);
    };
    put(out, "worker            busy          idle  peak_activations\n");
    for (std::size_t w = 0; w < report.workers.size(); ++w) {
        const std::string number = std::to_string(w);
        put(out, number, std::string(number.size() < 8 ? 8 - number.size() : 0, ' '));
        cell({report.workers[w].busy, 6});
        cell({report.workers[w].idle, 6});
        cell({report.workers[w].peak_activations, 3});
        out.push_back('\n');
    }
    return out;
}

}  // namespace chimera
