// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/dense.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/palette.hpp>
#include <chimera/render/ticks.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera {

struct svg_options {
    time_unit unit = time_unit::ticks;
    std::string title{};   ///< empty: the family's name
    std::string note{};    ///< follows the sizes in the second line, such as "measured"
    double width = 0;      ///< of the plot in pixels; 0: by the number of slots
    bool tooltips = true;  ///< pass, stage, micro-batch and times under the pointer, in pictures of up to 5,000 slots
};

namespace detail {

/// Where things stand, in pixels.
struct svg_layout {
    double left = 0, top = 0, plot = 0;  // the plot's corner and width
    double row = 0, gap = 0, bar = 0;    // heights of a row, of the space between rows, of a reduction's bar
    double slot = 0;                     // width of facts.unit
    double scale = 0;                    // pixels per unit of time
    double legend = 0;                   // the legend's first baseline
    double width = 0, height = 0;        // of the picture
    double line(int w) const { return top + w * (row + bar + gap); }
    double bottom(int workers) const { return line(workers) - gap; }
};

struct legend_item {
    std::vector<std::string> classes;  // a swatch each
    std::string text;
    double left = 0;
    int line = 0;
};

class svg_picture {
public:
    svg_picture(const timeline& from, const svg_options& how)
        : from_(from), how_(how), names_(from), facts_(summarise(from)) {
        for (const step& s : from.steps) {
            if (is_compute(s.op)) used_[static_cast<std::size_t>(class_of(s))] = true;
            updates_ = updates_ || (!is_compute(s.op) && s.end > s.begin);
        }
        place();
    }

    std::string write() const {
        std::string out;
        out.reserve(4096 + std::min<std::size_t>(from_.steps.size(), 200000) * 160);
        put_head(out);
        put_background(out);
        for (int w = 0; w < from_.head.workers; ++w) put_row(out, w);
        put_reductions(out);
        put_axis(out);
        put_legend(out);
        put(out, "</svg>\n");
        return out;
    }

private:
    void place() {
        const double cells = std::max(facts_.makespan / facts_.unit, 1.0);
        const int workers = std::max(from_.head.workers, 1);
        at_.slot = how_.width > 0 ? how_.width / cells : cells <= 45 ? 34 : std::max(1530 / cells, 13.0);
        numbered_ = at_.slot * cells <= 4600 && at_.slot >= 9 && from_.steps.size() <= 50000;
        if (!numbered_ && how_.width <= 0) at_.slot = 2000 / cells;
        at_.plot = at_.slot * cells;
        at_.scale = facts_.makespan > 0 ? at_.plot / facts_.makespan : 1;
        at_.row = workers <= 16 ? 26 : workers <= 64 ? 17 : std::max(2.0, 1100.0 / workers);
        if (at_.row > 17 && at_.slot < 20) at_.row = 20;
        at_.gap = at_.row >= 12 ? 4 : 0;
        at_.bar = from_.reductions.empty() ? 0 : std::max(at_.row * 0.22, 1.0);
        at_.left = 26 + 7.0 * static_cast<double>(std::to_string(workers - 1).size() + 7);
        at_.top = 66;
        at_.legend = at_.bottom(workers) + 62;
        at_.width = std::max(at_.left + at_.plot + 24, text_width(caption()) + 32);
        at_.height = at_.legend + 20.0 * place_legend();
    }

    /// A pipeline's swatches with the names of its passes; past the last colour, the pipelines that repeat it.
    legend_item pipeline_item(int p) const {
        constexpr const char* passes[] = {"forward", "backward", "input gradient", "weight gradient", "recompute"};
        legend_item item;
        for (int q = p, n = 0; q < from_.head.pipelines; q += hue_count, ++n) {
            put(item.text, n == 0 ? "pipeline " : ", ");
            n == 3 ? put(item.text, "…") : put(item.text, q);
            if (n == 3) break;
        }
        for (int op = 0; op < 5; ++op) {
            if (!used_[static_cast<std::size_t>(p * 5 + op)]) continue;
            put(item.text, item.classes.empty() ? ": " : ", ", passes[op]);
            item.classes.push_back({passes[op][0], static_cast<char>('0' + p)});
        }
        return item;
    }

    /// Lays the legend out in lines; returns how many.
    int place_legend() {
        for (int p = 0; p < std::clamp<int>(from_.head.pipelines, 1, hue_count); ++p) {
            if (auto item = pipeline_item(p); !item.classes.empty()) legend_.push_back(item);
        }
        legend_.push_back({{"idle"}, "idle"});
        if (!from_.reductions.empty()) legend_.push_back({{"x"}, "gradient reduction"});
        if (updates_) legend_.push_back({{"up"}, "weight update"});
        double left = at_.left;
        int line = 0;
        for (legend_item& item : legend_) {
            const double wide = 18.0 * static_cast<double>(item.classes.size()) + text_width(item.text) + 24;
            if (left > at_.left && left + wide > at_.width) left = at_.left, ++line;
            item.left = left;
            item.line = line;
            left += wide;
        }
        return line + 1;
    }

    std::string caption() const {
        std::string out;
        put_sizes(out, from_.head);
        put(out, " · makespan ", time(facts_.makespan), unit_name());
        put(out, " · bubble ratio ", fixed_point{100 * facts_.bubble_ratio, 1}, " %");
        if (!how_.note.empty()) put(out, " · ");
        put_escaped(out, how_.note);
        return out;
    }

    static double text_width(std::string_view text) { return 7.0 * static_cast<double>(text.size()); }
    static fixed_point px(double value) { return {value, 2}; }
    double x(double time) const { return at_.left + time * at_.scale; }
    const char* unit_name() const { return how_.unit == time_unit::ticks ? " ticks" : " s"; }
    fixed_point time(double value) const { return {value, how_.unit == time_unit::ticks ? 0 : 6}; }

    void put_head(std::string& out) const {
        put(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", px(at_.width), "\" height=\"", px(at_.height));
        put(out, "\" viewBox=\"0 0 ", px(at_.width), ' ', px(at_.height),
            "\" font-family=\"Helvetica,Arial,sans-serif\">\n");
        put(out, "<style>text{font-size:12px;fill:#2b2f36}.t{font-size:17px;font-weight:bold}.q{fill:#6b7280}");
        put(out, ".n text{text-anchor:middle;font-size:", px(font()), "px}.n .d{fill:#fff}.m{text-anchor:middle}");
        put(out, ".e{text-anchor:end}.idle{fill:url(#idle)}.x{fill:#c43a5e}.up{fill:#2b2f36}");
        put_styles(out, used_.data());
        put(out, "</style>\n<defs><pattern id=\"idle\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" ");
        put(out, "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#f1f2f4\"/>");
        put(out, "<rect width=\"1\" height=\"6\" fill=\"#d9dce1\"/></pattern>\n");
        put_patterns(out, used_.data());
        put(out, "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text class=\"t\" x=\"16\" y=\"27\">");
        put_escaped(out, how_.title.empty() ? from_.head.family.view() : std::string_view(how_.title));
        put(out, "</text>\n<text class=\"q\" x=\"16\" y=\"46\">");
        put(out, caption(), "</text>\n");
    }

    void put_background(std::string& out) const {
        const int every = std::max(1, static_cast<int>(std::ceil(12 / (at_.row + at_.bar + at_.gap))));
        const double middle = at_.row / 2 + 4;
        put(out, "<g class=\"idle\">");
        for (int w = 0; w < from_.head.workers; ++w) {
            put(out, "<rect x=\"", px(at_.left), "\" y=\"", px(at_.line(w)), "\" width=\"", px(at_.plot));
            put(out, "\" height=\"", px(at_.row), "\"/>");
        }
        put(out, "</g>\n<g class=\"e\">");
        for (int w = 0; w < from_.head.workers; w += every) {
            put(out, "<text x=\"", px(at_.left - 8), "\" y=\"", px(at_.line(w) + middle), "\">worker ", w, "</text>");
        }
        put(out, "</g>\n");
    }

    double font() const { return std::clamp(at_.slot * 0.42, 7.0, std::min(13.0, at_.row * 0.62)); }

    /// One rectangle and one number per slot; where there is no room for numbers, one shape per column at most.
    void put_row(std::string& out, int w) const {
        const auto row = from_.row(w);
        if (!numbered_) return put_runs(out, dense_columns(row, at_.scale, at_.plot), at_.left, at_.line(w), at_.row);
        put(out, "<g>");
        for (std::size_t i = 0; i < row.size(); ++i) put_box(out, row, i, at_.line(w));
        put(out, "</g>\n<g class=\"n\">");
        for (std::size_t i = 0; i < row.size(); ++i) put_number(out, row, i, at_.line(w));
        put(out, "</g>\n");
    }

    /// 0: has the row to itself; 1, 2: shares it with the next, with the previous step.
    static int sharing(std::span<const step> row, std::size_t i) {
        const auto meet = [&](std::size_t a) {
            return is_compute(row[a].op) && is_compute(row[a + 1].op) &&
                   row[a + 1].begin < row[a].end - 0.01 * (row[a].end - row[a].begin);
        };
        if (i + 1 < row.size() && meet(i)) return 1;
        return i > 0 && meet(i - 1) ? 2 : 0;
    }

    void put_box(std::string& out, std::span<const step> row, std::size_t i, double top) const {
        const step& s = row[i];
        const int half = sharing(row, i);
        const double edge = std::min(0.6, at_.slot * 0.04);
        put(out, "<rect class=\"");
        is_compute(s.op) ? put_class(out, class_of(s)) : put(out, "up");
        put(out, "\" x=\"", px(x(s.begin) + edge), "\" y=\"", px(half == 2 ? top + at_.row / 2 : top), "\" width=\"");
        put(out, px(std::max((s.end - s.begin) * at_.scale - 2 * edge, 0.2)), "\" height=\"");
        put(out, px(half > 0 ? at_.row / 2 - 0.5 : at_.row), "\" rx=\"", px(std::min(2.0, at_.slot * 0.1)), '"');
        if (!how_.tooltips || from_.steps.size() > 5000) return put(out, "/>");
        put(out, "><title>", name(s.op));
        if (s.first >= 0) {
            put(out, " of micro-batch ");
            names_.put_number(out, s);
            put(out, ", stage ", s.stage, ", pipeline ", s.pipeline);
        }
        put(out, ": ", time(s.begin), " to ", time(s.end), unit_name(), "</title></rect>");
    }

    void put_number(std::string& out, std::span<const step> row, std::size_t i, double top) const {
        const step& s = row[i];
        if (!is_compute(s.op)) return;
        std::string number;
        names_.put_number(number, s);
        const double room = (s.end - s.begin) * at_.scale - 1;
        const double size = std::min({font(), room / (0.58 * static_cast<double>(number.size())), at_.row});
        if (size < 4) return;
        const int half = sharing(row, i);
        const double middle = half == 0 ? at_.row / 2 : half == 1 ? at_.row / 4 : at_.row * 3 / 4;
        put(out, is_dark(class_of(s)) ? "<text class=\"d\" x=\"" : "<text x=\"", px(x((s.begin + s.end) / 2)));
        put(out, "\" y=\"", px(top + middle + size * 0.36), '"');
        if (size < font()) put(out, " style=\"font-size:", px(size), "px\"");
        put(out, '>', number, "</text>");
    }

    void put_reductions(std::string& out) const {
        if (from_.reductions.empty()) return;
        put(out, "<g class=\"x\">");
        for (int w = 0; w < from_.head.workers; ++w) {
            for (const step& s : from_.reductions_of(w)) {
                put(out, "<rect x=\"", px(x(s.begin)), "\" y=\"", px(at_.line(w) + at_.row + 1), "\" width=\"");
                put(out, px(std::max((s.end - s.begin) * at_.scale, 0.4)), "\" height=\"", px(at_.bar - 1));
                if (!how_.tooltips) {
                    put(out, "\"/>");
                    continue;
                }
                put(out, "\"><title>reduction of stage ", s.stage, ": ", time(s.begin), " to ", time(s.end));
                put(out, unit_name(), "</title></rect>");
            }
        }
        put(out, "</g>\n");
    }

    void put_axis(std::string& out) const {
        const double bottom = at_.bottom(from_.head.workers);
        const double rough = std::max(facts_.makespan, 1e-12) / std::max(at_.plot / 50, 2.0);
        const double power = std::pow(10, std::floor(std::log10(rough)));
        double pitch = rough <= power       ? power
                       : rough <= 2 * power ? 2 * power
                       : rough <= 5 * power ? 5 * power
                                            : 10 * power;
        if (how_.unit == time_unit::ticks) pitch = std::max(pitch, 1.0);
        const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(pitch) + 1e-9)));
        put(out, "<path stroke=\"#9aa1ab\" fill=\"none\" d=\"M", px(at_.left), ' ', px(bottom + 5), 'h', px(at_.plot));
        for (int k = 0; k * pitch <= facts_.makespan * (1 + 1e-9); ++k)
            put(out, 'M', px(x(k * pitch)), ' ', px(bottom + 5), "v5");
        put(out, "\"/>\n<g class=\"m q\">");
        for (int k = 0; k * pitch <= facts_.makespan * (1 + 1e-9); ++k) {
            put(out, "<text x=\"", px(x(k * pitch)), "\" y=\"", px(bottom + 23), "\">",
                fixed_point{k * pitch, decimals}, "</text>");
        }
        put(out, "</g>\n<text class=\"e q\" x=\"", px(at_.left - 8), "\" y=\"", px(bottom + 23), "\">time (");
        put(out, how_.unit == time_unit::ticks ? "ticks" : "s", ")</text>\n");
    }

    void put_legend(std::string& out) const {
        for (const legend_item& item : legend_) {
            double left = item.left;
            const double base = at_.legend + item.line * 20;
            for (const std::string& cls : item.classes) {
                put(out, "<rect class=\"", cls, "\" x=\"", px(left), "\" y=\"", px(base - 10));
                put(out, "\" width=\"16\" height=\"12\" rx=\"2\"/>");
                left += 18;
            }
            put(out, "<text x=\"", px(left + 4), "\" y=\"", px(base), "\">", item.text, "</text>\n");
        }
    }

    const timeline& from_;
    const svg_options& how_;
    labels names_;
    summary facts_;
    svg_layout at_;
    std::vector<legend_item> legend_;
    std::array<bool, class_count> used_{};
    bool updates_ = false;
    bool numbered_ = true;
};

}  // namespace detail

/// A picture of a timeline: workers as rows, pipelines by colour (forwards light, backwards dark), idle time hatched,
/// micro-batch numbers in the slots, reductions as thin bars under the rows, a time axis and a legend. Self-contained
/// SVG 1.1. Pictures of many slots drop the numbers and keep to a bounded size: at most one shape per pixel column.
inline std::string svg(const timeline& from, const svg_options& how = {}) {
    return detail::svg_picture(from, how).write();
}

}  // namespace chimera
