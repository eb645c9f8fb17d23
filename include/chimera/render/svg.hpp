// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/svg_page.hpp>
#include <chimera/render/svg_rows.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace chimera {

/// The options of a timeline as SVG.
struct svg_options {
    time_unit unit = time_unit::ticks;  ///< of the timeline
    std::string title{};                ///< empty: the family's name
    std::string note{};                 ///< follows the sizes in the second line, such as "measured"
    double width = 0;                   ///< of the plot in pixels; 0: by the number of slots
    bool tooltips = true;  ///< pass, stage, micro-batch and times under the pointer, in pictures of up to 5,000 slots
};

namespace detail {

/// "4 stages on 4 workers, 8 micro-batches · makespan 22 ticks · bubble ratio 27.3 %".
inline std::string svg_caption(const timeline& from, const summary& facts, const svg_options& options) {
    std::string out;
    put_sizes(out, from.head);
    put(out, " · makespan ", time_text(facts.makespan, options.unit), unit_name(options.unit));
    put(out, " · bubble ratio ", fixed_point{100 * facts.bubble_ratio, 1}, " %");
    if (!options.note.empty()) put(out, " · ");
    put_escaped(out, options.note);
    return out;
}

}  // namespace detail

/// A picture of a timeline: workers as rows, pipelines (or the stages that share a worker) by colour, forwards light,
/// backwards dark, their halves between, idle time hatched, micro-batch numbers in the slots, pairs one above the
/// other, reductions as thin bars under the rows, a time axis and a legend. Self-contained SVG 1.1. Pictures of many
/// slots drop the numbers and keep to a bounded size: at most one shape per pixel column.
[[nodiscard]] inline std::string svg(const timeline& from, const svg_options& options = {}) {
    using namespace detail;
    svg_rows rows(from, options.unit, options.tooltips, "n", options.width, 0);
    svg_contents contents;
    rows.add_to(contents);
    svg_layout& at = rows.at;
    at.top = 66;
    const colour_rows& colours = rows.names().colours();
    legend names;
    for (int colour_row = 0; colour_row < (std::min)(colours.count(), hue_count); ++colour_row)
        names.add_lane(colour_row, colours.count(), contents, colours, from.head.pipelines);
    names.add_others(contents);
    const std::string caption = svg_caption(from, rows.facts(), options);
    const double bottom = at.bottom((std::max)(from.head.workers, 1));
    const double width = (std::max)(at.left + at.plot + 24, text_width(caption) + 32);
    const double height = bottom + 62 + 20.0 * names.place(at.left, width);
    std::string fonts;
    put_font(fonts, "n", rows.font());
    std::string out;
    out.reserve(4096 + (std::min<std::size_t>)(from.steps.size(), 200000) * 160);
    put_page(out, width, height, fonts, contents);
    put(out, "<text class=\"t\" x=\"16\" y=\"27\">");
    put_escaped(out, options.title.empty() ? from.head.family.view() : std::string_view(options.title));
    put(out, "</text>\n<text class=\"q\" x=\"16\" y=\"46\">", caption, "</text>\n");
    rows.put(out);
    put_axis(out, at, bottom + 5, rows.facts().makespan, options.unit);
    names.put(out, bottom + 62);
    put(out, "</svg>\n");
    return out;
}

}  // namespace chimera
