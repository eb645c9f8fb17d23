// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/svg_page.hpp>
#include <chimera/render/svg_rows.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chimera {

/// A timeline among others.
struct panel {
    const timeline* of = nullptr;  ///< must live until the picture is made; never null
    std::string title;             ///< such as the family's name
    std::string caption;           ///< follows it
    int against = -1;              ///< index of the panel whose times these are compared with, slot by slot; -1: none
    double share = 1;              ///< weight of live activations of one of its stages, if stages differ in size
};

/// The options of timelines under one time axis.
struct compare_options {
    time_unit unit = time_unit::seconds;  ///< of all timelines
    std::string title{};                  ///< over the timelines
    std::string note{};                   ///< the line under the title
    double width = 0;                     ///< of the plot in pixels; 0: by the shortest passes, from 1000 to 2400
    bool tooltips = true;                 ///< as in svg_options, for each timeline
};

namespace detail {

/// The plot that several timelines share: seconds along it, and pixels.
struct shared_plot {
    double span = 0;
    double width = 0;
};
inline shared_plot plot_of(std::span<const panel> panels, double asked) {
    shared_plot out;
    double unit = 0;
    for (const panel& p : panels) {
        const summary facts = summarise(*p.of);
        out.span = (std::max)(out.span, facts.makespan);
        unit = unit > 0 ? (std::min)(unit, facts.unit) : facts.unit;
    }
    out.width = asked > 0 ? asked : unit > 0 ? std::clamp(out.span / unit * 13, 1000.0, 2400.0) : 1000;
    return out;
}

/// Rows that are drawn, one timeline below the other, with what the page needs for them.
struct drawn_panels {
    std::vector<std::string> styles;
    std::vector<svg_rows> rows;
    svg_contents contents;
    std::string fonts;
    double left = 0;
    double bottom = 66;
};
inline void draw_panels(drawn_panels& out, std::span<const panel> panels, const compare_options& options,
                        const shared_plot& plot) {
    for (std::size_t i = 0; i < panels.size(); ++i) out.styles.push_back("n" + std::to_string(i));
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const char* style = out.styles[i].c_str();
        out.rows.emplace_back(*panels[i].of, options.unit, options.tooltips, style, plot.width, plot.span);
        svg_layout& at = out.rows.back().at;
        at.row = (std::min)(at.row, at.row > 26 ? 24.0 : 17.0);
        at.gap = (std::min)(at.gap, 2.0);
        out.left = (std::max)(out.left, at.left);
        put_font(out.fonts, style, out.rows.back().font());
        out.rows.back().add_to(out.contents);
    }
    for (std::size_t i = 0; i < panels.size(); ++i) {
        out.rows[i].at.left = out.left;
        out.rows[i].at.top = out.bottom + 20;
        out.bottom = out.rows[i].at.bottom((std::max)(1, static_cast<int>(panels[i].of->head.workers))) + 22;
    }
}

/// Makes the legend of the passes and marks that occur.
inline legend legend_of(const svg_contents& contents) {
    legend out;
    int rows_used = 0;
    for (int cls = 0; cls < class_count; ++cls)
        if (contents.used[static_cast<std::size_t>(cls)]) rows_used = cls / 5 + 1;
    for (int row = 0; row < rows_used; ++row) {
        constexpr const char* names[] = {"first pipeline or chunk", "second", "third", "next"};
        out.add_passes({{}, names[(std::min)(row, 3)]}, row, contents);
    }
    out.add_others(contents);
    return out;
}

inline void put_heading(std::string& out, const compare_options& options) {
    put(out, "<text class=\"t\" x=\"16\" y=\"27\">");
    put_escaped(out, options.title);
    put(out, "</text>\n<text class=\"q\" x=\"16\" y=\"46\">");
    put_escaped(out, options.note);
    put(out, "</text>\n");
}

inline void put_panels(std::string& out, std::span<const panel> panels, drawn_panels& drawn) {
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const double above = drawn.rows[i].at.top - 6;
        put(out, "<text x=\"", px(drawn.left), "\" y=\"", px(above), "\"><tspan font-weight=\"bold\">");
        put_escaped(out, panels[i].title);
        put(out, "</tspan><tspan class=\"q\" dx=\"8\">");
        put_escaped(out, panels[i].caption);
        put(out, "</tspan></text>\n");
        drawn.rows[i].put(out);
    }
}

}  // namespace detail

/// Draws several timelines under one time axis, one below the other: the longest fills the width, so that lengths
/// compare. Self-contained SVG 1.1, as `svg` draws it.
[[nodiscard]] inline std::string svg(std::span<const panel> panels, const compare_options& options) {
    using namespace detail;
    const shared_plot plot = plot_of(panels, options.width);
    drawn_panels drawn;
    draw_panels(drawn, panels, options, plot);
    legend names = legend_of(drawn.contents);
    const double width = drawn.left + plot.width + 24;
    const double height = drawn.bottom + 46 + 20.0 * names.place(drawn.left, width);
    std::string out;
    put_page(out, width, height, drawn.fonts, drawn.contents);
    put_heading(out, options);
    put_panels(out, panels, drawn);
    svg_layout axis;
    axis.left = drawn.left;
    axis.plot = plot.width;
    axis.scale = plot.span > 0 ? plot.width / plot.span : 1;
    put_axis(out, axis, drawn.bottom - 14, plot.span, options.unit);
    names.put(out, drawn.bottom + 40);
    put(out, "</svg>\n");
    return out;
}

}  // namespace chimera
