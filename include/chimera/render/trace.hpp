// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/labels.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/simulate/timeline.hpp>

#include <string>
#include <string_view>

namespace chimera {

namespace detail {

inline void put_trace_name(std::string& out, const char* kind, int thread, std::string_view name, int order) {
    put(out, "{\"name\":\"", kind, "_name\",\"ph\":\"M\",\"pid\":1,\"tid\":", thread, ",\"args\":{\"name\":");
    put_quoted(out, name);
    put(out, "}},\n{\"name\":\"", kind, "_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":", thread);
    put(out, ",\"args\":{\"sort_index\":", order, "}}");
}

inline void put_trace_event(std::string& out, const labels& names, const step& s, int thread, double microseconds) {
    put(out, ",\n{\"name\":\"");
    is_compute(s.op) ? put(out, names.cell(s)) : put(out, name(s.op));
    put(out, "\",\"cat\":\"", name(s.op), "\",\"ph\":\"X\",\"pid\":1,\"tid\":", thread);
    put(out, ",\"ts\":", fixed_point{s.begin * microseconds, 3});
    put(out, ",\"dur\":", fixed_point{(s.end - s.begin) * microseconds, 3}, ",\"args\":{");
    put(out, "\"stage\":", s.stage);
    if (is_compute(s.op)) {
        put(out, ",\"pipeline\":", s.pipeline, ",\"first\":", s.first, ",\"count\":", static_cast<int>(s.count));
        put(out, ",\"micro_batch\":", names.first_of(s));
    }
    put(out, "}}");
}

}  // namespace detail

/// A timeline in Chrome's trace format, for Perfetto and chrome://tracing: one process, one thread per worker, one more
/// per worker that reduces and per worker that runs pairs, for the second of each. A tick is shown as a millisecond.
[[nodiscard]] inline std::string trace(const timeline& from, time_unit unit = time_unit::seconds) {
    using namespace detail;
    const labels names(from);
    const double microseconds = unit == time_unit::seconds ? 1e6 : 1e3;
    std::string out;
    out.reserve((from.steps.size() + from.reductions.size()) * 176 + 4096);
    put(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    put_trace_name(out, "process", 0, from.head.family.view(), 0);
    for (int w = 0; w < from.head.workers; ++w) {
        put(out, ",\n");
        put_trace_name(out, "thread", 2 * w, "worker " + std::to_string(w), 2 * w);
        const step* before = nullptr;
        bool second_thread = false;
        for (const step& s : from.row(w)) {
            const bool second = before != nullptr && share_time(*before, s);
            if (second && !second_thread) {
                put(out, ",\n");
                put_trace_name(out, "thread", 2 * from.head.workers + w, "worker " + std::to_string(w) + " pairs",
                               2 * w);
                second_thread = true;
            }
            put_trace_event(out, names, s, second ? 2 * from.head.workers + w : 2 * w, microseconds);
            before = second ? nullptr : &s;
        }
        if (from.reductions_of(w).empty()) continue;
        put(out, ",\n");
        put_trace_name(out, "thread", 2 * w + 1, "worker " + std::to_string(w) + " reductions", 2 * w + 1);
        for (const step& s : from.reductions_of(w)) put_trace_event(out, names, s, 2 * w + 1, microseconds);
    }
    put(out, "\n]}\n");
    return out;
}

}  // namespace chimera
