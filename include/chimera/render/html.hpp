// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/append.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/simulate/metrics.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chimera {

/// A table of a page: the first column is text, all others numbers.
struct html_table {
    std::string caption;
    std::vector<std::string> head;
    std::vector<std::vector<std::string>> rows;
};

namespace detail {

inline void put_table(std::string& out, const html_table& of) {
    put(out, "<table><caption>");
    put_escaped(out, of.caption);
    put(out, "</caption>\n<tr>");
    for (const std::string& cell : of.head) {
        put(out, "<th>");
        put_escaped(out, cell);
        put(out, "</th>");
    }
    put(out, "</tr>\n");
    for (const auto& row : of.rows) {
        put(out, "<tr>");
        for (const std::string& cell : row) {
            put(out, "<td>");
            put_escaped(out, cell);
            put(out, "</td>");
        }
        put(out, "</tr>\n");
    }
    put(out, "</table>\n");
}

inline std::string number_text(double value, int decimals) {
    std::string out;
    put(out, fixed_point{value, decimals});
    return out;
}

}  // namespace detail

/// A page with a picture (SVG text), tables and a last paragraph; everything is in the one file, nothing is loaded.
inline std::string html_page(std::string_view title, std::string_view picture, const std::vector<html_table>& tables,
                             std::string_view remark = {}) {
    using detail::put;
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>";
    detail::put_escaped(out, title);
    put(out, "</title>\n<style>body{font-family:Helvetica,Arial,sans-serif;color:#2b2f36;margin:16px}");
    put(out, ".picture{overflow-x:auto}svg rect:hover{stroke:#000;stroke-width:1.5}");
    put(out, "table{border-collapse:collapse;margin:16px;font-size:14px}");
    put(out, "caption{text-align:left;font-weight:bold;padding:4px}");
    put(out, "th,td{padding:3px 10px;border-bottom:1px solid #d9dce1;text-align:right}");
    put(out, "th:first-child,td:first-child{text-align:left}p{margin:16px;max-width:60em}</style></head>\n<body>");
    put(out, "<div class=\"picture\">\n", picture, "</div>\n");
    for (const html_table& table : tables) detail::put_table(out, table);
    if (!remark.empty()) {
        put(out, "<p>");
        detail::put_escaped(out, remark);
        put(out, "</p>\n");
    }
    put(out, "</body></html>\n");
    return out;
}

/// A timeline as a page: its picture, with pass, stage, micro-batch and times under the pointer, its metrics, and a line
/// for each worker.
inline std::string html(const timeline& from, const svg_options& how = {}) {
    const metrics_report found = metrics(from);
    const int decimals = how.unit == time_unit::ticks ? 3 : 9;
    const std::string unit = how.unit == time_unit::ticks ? "ticks" : "s";
    const auto number = [&](double value, int digits) { return detail::number_text(value, digits); };
    html_table all{"Metrics",
                   {"metric", "value"},
                   {{"makespan (" + unit + ")", number(found.makespan, decimals)},
                    {"longest span (" + unit + ")", number(found.longest_span, decimals)},
                    {"bubble ratio", number(found.bubble_ratio, 6)},
                    {"span bubble ratio", number(found.span_bubble_ratio, 6)},
                    {"forwards on the critical path", std::to_string(found.critical.forwards)},
                    {"backwards on the critical path", std::to_string(found.critical.backwards)},
                    {"slots", std::to_string(found.slots)}}};
    html_table each{"Workers", {"worker", "busy (" + unit + ")", "idle (" + unit + ")", "peak activations"}, {}};
    for (std::size_t w = 0; w < found.workers.size(); ++w) {
        const worker_metrics& m = found.workers[w];
        each.rows.push_back(
            {std::to_string(w), number(m.busy, decimals), number(m.idle, decimals), number(m.peak_activations, 3)});
    }
    const std::string title = how.title.empty() ? std::string(from.head.family.view()) : how.title;
    return html_page(title, svg(from, how), {all, each});
}

}  // namespace chimera
