// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/decimal.hpp>
#include <chimera/render/dense_text.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/palette.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace chimera::detail {

inline fixed_point px(double value) { return {value, 2}; }
inline double text_width(std::string_view text) { return 7.0 * static_cast<double>(text.size()); }

inline const char* unit_name(time_unit unit) { return unit == time_unit::ticks ? " ticks" : " s"; }
inline fixed_point time_text(double value, time_unit unit) { return {value, unit == time_unit::ticks ? 3 : 6}; }

/// Where the rows of a timeline stand in a picture, in pixels.
struct svg_layout {
    double left = 0, top = 0, plot = 0;  // the plot's corner and width
    double row = 0, gap = 0, bar = 0;    // heights of a row, of the space between rows, of a reduction's bar
    double slot = 0;                     // width of facts.unit
    double scale = 0;                    // pixels per unit of time
    double line(int w) const { return top + w * (row + bar + gap); }
    double bottom(int workers) const { return line(workers) - gap; }
};

/// What is in a timeline that a legend must explain.
struct svg_contents {
    std::array<bool, class_count> used{};
    bool updates = false;
    bool reductions = false;
};

/// Draws the rows of one timeline: a rectangle and a number for each slot, forwards above the other half of a pair;
/// where there is no room for numbers, at most one shape for each column of pixels.
class svg_rows {
public:
    /// `style`: the CSS class of the numbers. `width`: of the plot; 0: by the number of slots. `span`: the time that it
    /// stands for; 0: the makespan.
    svg_rows(const timeline& from, time_unit unit, bool tooltips, const char* style, double width, double span)
        : from_(from), unit_(unit), tooltips_(tooltips && from.steps.size() <= 5000), style_(style), names_(from),
          facts_(summarise(from)) {
        const double cells = (std::max)((span > 0 ? span : facts_.makespan) / facts_.unit, 1.0);
        const int workers = (std::max)(from.head.workers, 1);
        at.slot = width > 0 ? width / cells : cells <= 45 ? 34 : (std::max)(1530 / cells, 13.0);
        numbered_ = at.slot * cells <= 4600 && at.slot >= 9 && from.steps.size() <= 50000;
        if (!numbered_ && width <= 0) at.slot = 2000 / cells;
        at.plot = at.slot * cells;
        at.scale = facts_.makespan > 0 ? at.plot / (span > 0 ? span : facts_.makespan) : 1;
        at.row = workers <= 16 ? 26 : workers <= 64 ? 17 : (std::max)(2.0, 1100.0 / workers);
        if (at.row > 17 && at.slot < 20) at.row = 20;
        if (at.row >= 17 && has_pairs()) at.row = 32;
        at.gap = at.row >= 12 ? 4 : 0;
        at.bar = from.reductions.empty() ? 0 : (std::max)(at.row * 0.22, 1.0);
        at.left = 26 + 7.0 * static_cast<double>(std::to_string(workers - 1).size() + 7);
    }

    svg_layout at;

    const summary& facts() const { return facts_; }
    const labels& names() const { return names_; }
    double font() const { return std::clamp(at.slot * 0.42, 7.0, (std::min)(13.0, at.row * 0.62)); }

    void add_to(svg_contents& all) const {
        for (const step& s : from_.steps) {
            if (is_compute(s.op)) all.used[static_cast<std::size_t>(class_of(names_.colours().of(s), s))] = true;
            all.updates = all.updates || (!is_compute(s.op) && s.end > s.begin);
        }
        all.reductions = all.reductions || !from_.reductions.empty();
    }

    void put(std::string& out) const {
        put_background(out);
        for (int w = 0; w < from_.head.workers; ++w) put_row(out, w);
        put_reductions(out);
    }

private:
    bool has_pairs() const {
        for (int w = 0; w < from_.head.workers; ++w) {
            const auto row = from_.row(w);
            for (std::size_t i = 1; i < row.size(); ++i)
                if (share_time(row[i - 1], row[i])) return true;
        }
        return false;
    }

    double x(double time) const { return at.left + time * at.scale; }

    void put_background(std::string& out) const {
        const int every = (std::max)(1, static_cast<int>(rounded_up(12 / (at.row + at.bar + at.gap))));
        const double middle = at.row / 2 + 4;
        format::put(out, "<g class=\"idle\">");
        for (int w = 0; w < from_.head.workers; ++w) {
            format::put(out, "<rect x=\"", px(at.left), "\" y=\"", px(at.line(w)), "\" width=\"");
            format::put(out, px(facts_.makespan > 0 ? facts_.makespan * at.scale : at.plot));
            format::put(out, "\" height=\"", px(at.row), "\"/>");
        }
        format::put(out, "</g>\n<g class=\"e\">");
        for (int w = 0; w < from_.head.workers; w += every) {
            format::put(out, "<text x=\"", px(at.left - 8), "\" y=\"", px(at.line(w) + middle), "\">worker ", w);
            format::put(out, "</text>");
        }
        format::put(out, "</g>\n");
    }

    void put_row(std::string& out, int w) const {
        const auto row = from_.row(w);
        if (!numbered_) {
            const auto columns = dense_columns(row, names_.colours(), at.scale, at.plot);
            return put_runs(out, columns, at.left, at.line(w), at.row);
        }
        format::put(out, "<g>");
        for (std::size_t i = 0; i < row.size(); ++i) put_box(out, row, i, at.line(w));
        format::put(out, "</g>\n<g class=\"", style_, "\">");
        for (std::size_t i = 0; i < row.size(); ++i) put_number(out, row, i, at.line(w));
        format::put(out, "</g>\n");
    }

    /// 0: has the row to itself; 1, 2: is the upper, the lower one of a pair.
    static int half(std::span<const step> row, std::size_t i) {
        const bool first = i + 1 < row.size() && share_time(row[i], row[i + 1]);
        if (!first && (i == 0 || !share_time(row[i - 1], row[i]))) return 0;
        const step& other = first ? row[i + 1] : row[i - 1];
        const bool forward = row[i].op == action::forward;
        return forward != (other.op == action::forward) ? (forward ? 1 : 2) : (first ? 1 : 2);
    }

    void put_box(std::string& out, std::span<const step> row, std::size_t i, double top) const {
        const step& s = row[i];
        const int part = half(row, i);
        const double edge = (std::min)(0.6, at.slot * 0.04);
        format::put(out, "<rect class=\"");
        is_compute(s.op) ? put_class(out, class_of(names_.colours().of(s), s)) : format::put(out, "up");
        format::put(out, "\" x=\"", px(x(s.begin) + edge), "\" y=\"", px(part == 2 ? top + at.row / 2 : top));
        format::put(out, "\" width=\"", px((std::max)((s.end - s.begin) * at.scale - 2 * edge, 0.2)), "\" height=\"");
        format::put(out, px(part > 0 ? at.row / 2 - 0.5 : at.row), "\" rx=\"", px((std::min)(2.0, at.slot * 0.1)), '"');
        if (!tooltips_) return format::put(out, "/>");
        format::put(out, "><title>", name(s.op));
        if (s.first >= 0) {
            format::put(out, " of micro-batch ");
            names_.put_number(out, s);
            format::put(out, ", stage ", s.stage, ", pipeline ", s.pipeline);
        }
        format::put(out, ": ", time_text(s.begin, unit_), " to ", time_text(s.end, unit_), unit_name(unit_));
        format::put(out, "</title></rect>");
    }

    void put_number(std::string& out, std::span<const step> row, std::size_t i, double top) const {
        const step& s = row[i];
        if (!is_compute(s.op)) return;
        std::string number;
        names_.put_number(number, s);
        const int part = half(row, i);
        const double room = (s.end - s.begin) * at.scale - 1;
        const double high = part == 0 ? at.row : at.row * 0.5;
        const double size = (std::min)({font(), room / (0.58 * static_cast<double>(number.size())), high});
        if (size < 4) return;
        const double middle = part == 0 ? at.row / 2 : part == 1 ? at.row / 4 : at.row * 3 / 4;
        const bool dark = is_dark(class_of(names_.colours().of(s), s));
        format::put(out, dark ? "<text class=\"d\" x=\"" : "<text x=\"", px(x((s.begin + s.end) / 2)));
        format::put(out, "\" y=\"", px(top + middle + size * 0.36), '"');
        if (size < font()) format::put(out, " style=\"font-size:", px(size), "px\"");
        format::put(out, '>', number, "</text>");
    }

    void put_reductions(std::string& out) const {
        if (from_.reductions.empty()) return;
        format::put(out, "<g class=\"x\">");
        for (int w = 0; w < from_.head.workers; ++w) {
            for (const step& s : from_.reductions_of(w)) {
                format::put(out, "<rect x=\"", px(x(s.begin)), "\" y=\"", px(at.line(w) + at.row + 1), "\" width=\"");
                format::put(out, px((std::max)((s.end - s.begin) * at.scale, 0.4)), "\" height=\"", px(at.bar - 1));
                if (!tooltips_) {
                    format::put(out, "\"/>");
                    continue;
                }
                format::put(out, "\"><title>reduction of stage ", s.stage, ": ", time_text(s.begin, unit_), " to ");
                format::put(out, time_text(s.end, unit_), unit_name(unit_), "</title></rect>");
            }
        }
        format::put(out, "</g>\n");
    }

    const timeline& from_;
    time_unit unit_;
    bool tooltips_;
    const char* style_;
    labels names_;
    summary facts_;
    bool numbered_ = true;
};

/// A time axis under everything: `top` its y, `span` the time that the plot stands for.
inline void put_axis(std::string& out, const svg_layout& at, double top, double span, time_unit unit) {
    const double rough = (std::max)(span, 1e-12) / (std::max)(at.plot / 50, 2.0);
    const power_of_ten power(rough);
    const double step = rough <= power.value ? 1 : rough <= 2 * power.value ? 2 : rough <= 5 * power.value ? 5 : 10;
    const double pitch = unit == time_unit::ticks ? (std::max)(step * power.value, 1.0) : step * power.value;
    const int decimals = pitch >= 1 ? 0 : power.decimals - (step == 10);
    put(out, "<path stroke=\"#9aa1ab\" fill=\"none\" d=\"M", px(at.left), ' ', px(top), 'h', px(at.plot));
    for (int k = 0; k * pitch <= span * (1 + 1e-9); ++k)
        put(out, 'M', px(at.left + k * pitch * at.scale), ' ', px(top), "v5");
    put(out, "\"/>\n<g class=\"m q\">");
    for (int k = 0; k * pitch <= span * (1 + 1e-9); ++k) {
        put(out, "<text x=\"", px(at.left + k * pitch * at.scale), "\" y=\"", px(top + 18), "\">");
        put(out, fixed_point{k * pitch, decimals}, "</text>");
    }
    put(out, "</g>\n<text class=\"e q\" x=\"", px(at.left - 8), "\" y=\"", px(top + 18), "\">time (");
    put(out, unit == time_unit::ticks ? "ticks" : "s", ")</text>\n");
}

}  // namespace chimera::detail
