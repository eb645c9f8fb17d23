// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/base128.hpp>
#include <chimera/render/compare_text.hpp>
#include <chimera/render/explorer/page.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/simulate/metrics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera {

/// A table of a page: the first column is text, all others numbers.
struct html_table {
    std::string caption;                         ///< over the table
    std::vector<std::string> head;               ///< a cell for each column
    std::vector<std::vector<std::string>> rows;  ///< as many cells each as `head`
};

/// The text of the page around its timelines; times are in `unit`.
struct html_options {
    time_unit unit = time_unit::seconds;  ///< of the timelines
    std::string title{};                  ///< empty: the family's name
    std::string note{};                   ///< the line under the title
    std::vector<html_table> tables{};     ///< under the timelines
    std::string remark{};                 ///< the last paragraph
};

namespace detail {

/// Long tables are folded away, on paper too.
inline void put_table(std::string& out, const html_table& contents) {
    const bool folded = contents.rows.size() > 100;
    if (folded) put(out, "<details><summary>", contents.rows.size(), " lines</summary>");
    put(out, "<table><caption>");
    put_escaped(out, contents.caption);
    put(out, "</caption>\n<thead><tr>");
    for (const std::string& cell : contents.head) {
        put(out, "<th scope=\"col\">");
        put_escaped(out, cell);
        put(out, "</th>");
    }
    put(out, "</tr></thead>\n<tbody>");
    for (const auto& row : contents.rows) {
        put(out, "<tr>");
        for (const std::string& cell : row) {
            put(out, "<td>");
            put_escaped(out, cell);
            put(out, "</td>");
        }
        put(out, "</tr>\n");
    }
    put(out, folded ? "</tbody></table></details>\n" : "</tbody></table>\n");
}

inline std::string number_text(double value, int decimals) {
    std::string out;
    put(out, fixed_point{value, decimals});
    return out;
}

/// A JSON string inside a script element: nothing in it can end the element or open a comment.
inline void put_script_text(std::string& out, std::string_view text) {
    std::string quoted;
    put_quoted(quoted, text);
    for (const char c : quoted)
        c == '<' || c == '>' || c == '&' ? put(out, "\\u00",
                                               c == '&'   ? "26"
                                               : c == '<' ? "3c"
                                                          : "3e")
                                         : out.push_back(c);
}

/// Writes the legend's names of a timeline's colours: the colour rows of each, in order.
inline void put_colour_names(std::string& out, const colour_rows& colours, int pipelines) {
    put(out, ",\"lanes\":[");
    for (int colour_row = 0; colour_row < (std::min)(colours.count(), hue_count); ++colour_row) {
        put(out, colour_row > 0 ? ",\"" : "\"", colours.name(colour_row, pipelines));
        for (int more = colour_row + hue_count, n = 1; more < colours.count(); more += hue_count, ++n) {
            put(out, ", ", n == 3 ? "…" : colours.name(more, pipelines));
            if (n == 3) break;
        }
        out.push_back('"');
    }
    out.push_back(']');
}

/// A timeline as the page's script reads it: names, sizes, metrics, and its rows packed.
inline void put_panel(std::string& out, const panel& contents) {
    const timeline& from = *contents.of;
    const shape& head = from.head;
    const metrics_report found = metrics(from);
    const colour_rows colours(from);
    const double quantum = time_quantum(from);
    double peak = 0;
    for (const worker_metrics& w : found.workers) peak = (std::max)(peak, w.peak_activations);
    put(out, "{\"title\":");
    put_script_text(out, contents.title);
    put(out, ",\"caption\":");
    put_script_text(out, contents.caption);
    put(out, ",\"against\":", contents.against, ",\"workers\":", head.workers, ",\"stages\":", head.stages);
    put(out, ",\"pipelines\":", head.pipelines, ",\"micro_batches\":", head.micro_batches);
    put(out, ",\"parts\":", head.micro_batch_parts, ",\"makespan\":", found.makespan);
    put(out, ",\"bubble_ratio\":", found.bubble_ratio, ",\"span_bubble_ratio\":", found.span_bubble_ratio);
    put(out, ",\"share\":", contents.share, ",\"peak\":", peak * contents.share, ",\"critical\":[",
        found.critical.forwards, ',', found.critical.backwards, ',');
    put(out, found.critical.others, "],\"slots\":", found.slot_total, ",\"tick\":", summarise(from).unit);
    put(out, ",\"quantum\":", quantum, ",\"steps\":", from.steps.size(),
        ",\"reduction_count\":", from.reductions.size());
    put_colour_names(out, colours, head.pipelines);
    put(out, ",\"placement\":[");
    for (std::size_t i = 0; i < from.placement.size(); ++i) put(out, i > 0 ? "," : "", from.placement[i]);
    put(out, "],\"chain\":\"");
    put_chain(out, critical_steps(from, 1e-9 * found.makespan));
    put(out, "\",\"rows\":\"");
    put_packed(out, head.workers, colours, quantum, [&](int w) { return from.row(w); });
    put(out, "\",\"reductions\":\"");
    put_packed(out, head.workers, colours, quantum, [&](int w) { return from.reductions_of(w); });
    put(out, "\"}");
}

inline void put_data(std::string& out, std::span<const panel> contents, const html_options& options) {
    put(out, "{\"unit\":\"", options.unit == time_unit::ticks ? "ticks" : "s", "\",\"actions\":[");
    for (int op = 0; op < action_count; ++op) put(out, op > 0 ? ",\"" : "\"", name(static_cast<action>(op)), '"');
    put(out, "],\"hues\":[");
    for (const hue& h : hues) {
        put(out, &h == hues ? "[\"" : ",[\"", h.forward, "\",\"", h.backward, "\",\"", h.input_gradient, "\",\"");
        put(out, h.weight_gradient, "\"]");
    }
    put(out, "],\n\"panels\":[");
    for (std::size_t i = 0; i < contents.size(); ++i) {
        if (i > 0) put(out, ",\n");
        put_panel(out, contents[i]);
    }
    put(out, "]}");
}

}  // namespace detail

/// The explorer: a page with timelines under one time axis, to zoom, to search and to step through, then tables.
/// Everything is in the one file and nothing is loaded. See docs/explorer.md.
[[nodiscard]] inline std::string html(std::span<const panel> contents, const html_options& options) {
    using format::put;
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
    format::put_escaped(out, options.title);
    put(out, "</title>", explorer::head, explorer::style, "</head>\n<body>\n<header><h1>");
    format::put_escaped(out, options.title);
    put(out, "</h1><p id=\"note\">");
    format::put_escaped(out, options.note);
    put(out, "</p></header>", explorer::body, "<section id=\"numbers\" aria-label=\"Numbers\">\n");
    for (const html_table& table : options.tables) detail::put_table(out, table);
    if (!options.remark.empty()) {
        put(out, "<p>");
        format::put_escaped(out, options.remark);
        put(out, "</p>\n");
    }
    put(out, "</section>\n<script type=\"application/json\" id=\"timelines\">");
    detail::put_data(out, contents, options);
    put(out, "</script>\n<script>\n(() => {\n'use strict';\n");
    for (const std::string_view part : explorer::script) put(out, part);
    put(out, "})();\n</script>\n</body></html>\n");
    return out;
}

namespace detail {

/// The metrics of timelines, a column for each.
inline html_table metric_table(std::span<const panel> contents, time_unit in) {
    const int decimals = in == time_unit::ticks ? 3 : 9;
    const std::string unit = in == time_unit::ticks ? " (ticks)" : " (s)";
    html_table out{"Metrics",
                   {"metric"},
                   {{"makespan" + unit},
                    {"longest span" + unit},
                    {"bubble ratio"},
                    {"span bubble ratio"},
                    {"forwards on the critical path"},
                    {"backwards on the critical path"},
                    {"slots"}}};
    for (const panel& p : contents) {
        const metrics_report found = metrics(*p.of);
        out.head.push_back(contents.size() > 1 ? p.title : "value");
        auto row = out.rows.begin();
        for (const double value : {found.makespan, found.longest_span})
            (row++)->push_back(number_text(value, decimals));
        for (const double value : {found.bubble_ratio, found.span_bubble_ratio})
            (row++)->push_back(number_text(value, 6));
        for (const std::int64_t value :
             {std::int64_t{found.critical.forwards}, std::int64_t{found.critical.backwards}, found.slot_total})
            (row++)->push_back(std::to_string(value));
    }
    return out;
}

/// A line for each worker.
inline html_table worker_table(const timeline& from, time_unit in, std::string caption) {
    const int decimals = in == time_unit::ticks ? 3 : 9;
    const std::string unit = in == time_unit::ticks ? " (ticks)" : " (s)";
    html_table out{std::move(caption), {"worker", "busy" + unit, "idle" + unit, "peak activations"}, {}};
    for (const worker_metrics& w : metrics(from).workers)
        out.rows.push_back({std::to_string(out.rows.size()), number_text(w.busy, decimals),
                            number_text(w.idle, decimals), number_text(w.peak_activations, 3)});
    return out;
}

}  // namespace detail

/// One timeline as a page, with its metrics and a line for each worker.
[[nodiscard]] inline std::string html(const timeline& from, const svg_options& options = {}) {
    const std::string family(from.head.family.view());
    html_options page{.unit = options.unit, .title = options.title.empty() ? family : options.title};
    format::put_sizes(page.note, from.head);
    if (!options.note.empty()) format::put(page.note, " · ", options.note);
    const panel one[] = {{&from, page.title, page.note}};
    page.tables = {detail::metric_table(one, options.unit), detail::worker_table(from, options.unit, "Workers")};
    return html(one, page);
}

/// A predicted timeline above the measured one of the same program, times in seconds.
[[nodiscard]] inline std::string html(const timeline& predicted, const timeline& measured) {
    html_options page{.title = std::string(measured.head.family.view())};
    format::put_sizes(page.note, measured.head);
    format::put(page.note, " · predicted and measured");
    const panel both[] = {{&predicted, "predicted", page.note}, {&measured, "measured", page.note, 0}};
    page.tables = {detail::metric_table(both, page.unit),
                   detail::worker_table(predicted, page.unit, "Workers, predicted"),
                   detail::worker_table(measured, page.unit, "Workers, measured")};
    return html(both, page);
}

}  // namespace chimera
