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
    const timeline* of = nullptr;
    std::string title;    ///< such as the family's name
    std::string caption;  ///< follows it
    int against = -1;     ///< index of the panel whose times these are compared with, slot by slot; -1: none
    double share = 1;     ///< weight of live activations of one of its stages, if stages differ in size
};

/// The options of timelines under one time axis.
struct compare_options {
    time_unit unit = time_unit::seconds;
    std::string title{};
    std::string note{};    ///< the line under the title
    double width = 0;      ///< of the plot in pixels; 0: by the shortest passes, from 1000 to 2400
    bool tooltips = true;  ///< as in svg_options, for each timeline
};

/// Draws several timelines under one time axis, one below the other: the longest fills the width, so that lengths
/// compare. Self-contained SVG 1.1, as `svg` draws it.
[[nodiscard]] inline std::string svg(std::span<const panel> panels, const compare_options& options) {
    using namespace detail;
    double span = 0;
    double unit = 0;
    for (const panel& p : panels) {
        const summary facts = summarise(*p.of);
        span = (std::max)(span, facts.makespan);
        unit = unit > 0 ? (std::min)(unit, facts.unit) : facts.unit;
    }
    const double plot = options.width > 0 ? options.width
                        : unit > 0        ? std::clamp(span / unit * 13, 1000.0, 2400.0)
                                          : 1000;
    std::vector<std::string> styles;
    for (std::size_t i = 0; i < panels.size(); ++i) styles.push_back("n" + std::to_string(i));
    std::vector<svg_rows> drawn;
    svg_contents contents;
    std::string fonts;
    double left = 0;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        drawn.emplace_back(*panels[i].of, options.unit, options.tooltips, styles[i].c_str(), plot, span);
        svg_layout& at = drawn.back().at;
        at.row = (std::min)(at.row, at.row > 26 ? 24.0 : 17.0);
        at.gap = (std::min)(at.gap, 2.0);
        left = (std::max)(left, at.left);
        put_font(fonts, styles[i].c_str(), drawn.back().font());
        drawn.back().add_to(contents);
    }
    double top = 66;
    for (svg_rows& rows : drawn) {
        rows.at.left = left;
        rows.at.top = top + 20;
        top = rows.at.bottom((std::max)(
                  1, static_cast<int>(panels[static_cast<std::size_t>(&rows - drawn.data())].of->head.workers))) +
              22;
    }
    legend names;
    int lanes_used = 0;
    for (int cls = 0; cls < class_count; ++cls)
        if (contents.used[static_cast<std::size_t>(cls)]) lanes_used = cls / 5 + 1;
    for (int lane = 0; lane < lanes_used; ++lane)
        names.add_passes({{},
                          lane == 0   ? "first pipeline or chunk"
                          : lane == 1 ? "second"
                          : lane == 2 ? "third"
                                      : "next"},
                         lane, contents);
    names.add_others(contents);
    const double width = left + plot + 24;
    const double height = top + 46 + 20.0 * names.place(left, width);
    std::string out;
    put_page(out, width, height, fonts, contents);
    put(out, "<text class=\"t\" x=\"16\" y=\"27\">");
    put_escaped(out, options.title);
    put(out, "</text>\n<text class=\"q\" x=\"16\" y=\"46\">");
    put_escaped(out, options.note);
    put(out, "</text>\n");
    for (std::size_t i = 0; i < panels.size(); ++i) {
        put(out, "<text x=\"", px(left), "\" y=\"", px(drawn[i].at.top - 6), "\"><tspan font-weight=\"bold\">");
        put_escaped(out, panels[i].title);
        put(out, "</tspan><tspan class=\"q\" dx=\"8\">");
        put_escaped(out, panels[i].caption);
        put(out, "</tspan></text>\n");
        drawn[i].put(out);
    }
    svg_layout axis;
    axis.left = left;
    axis.plot = plot;
    axis.scale = span > 0 ? plot / span : 1;
    put_axis(out, axis, top - 14, span, options.unit);
    names.put(out, top + 40);
    put(out, "</svg>\n");
    return out;
}

}  // namespace chimera
