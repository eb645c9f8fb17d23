// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/metrics_text.hpp>
#include <chimera/simulate/metrics.hpp>

#include <executor/cli/search_report.hpp>

#include <cstddef>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

void put_row(std::string& out, const std::vector<std::string>& cells) {
    const std::size_t widths[] = {10, 8, 16, 16, 14, 18, 13, 10};
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t width = widths[i];
        if (i > 0) out.append(cells[i].size() < width ? width - cells[i].size() : 1, ' ');
        out += cells[i];
        if (i == 0 && cells[i].size() < width) out.append(width - cells[i].size(), ' ');
    }
    out += '\n';
}

/// Seconds of passes of the busiest worker, and of all workers together.
struct work {
    double most = 0, all = 0;
};
work work_of(const search_problem& of, schedule_view order) {
    work out;
    for (int w = 0; w < order.head.workers; ++w) {
        double own = 0;
        for (const slot& s : order.row(w))
            own += (s.op == pass::forward           ? of.cost.forward
                    : s.op == pass::input_gradient  ? of.cost.input_gradient
                    : s.op == pass::weight_gradient ? of.cost.weight_gradient
                                                    : of.cost.backward)[s.stage];
        out.most = std::max(out.most, own);
        out.all += own;
    }
    return out;
}

/// One row per placement.
std::string table_of(const std::vector<placement_search>& placement_searchs) {
    std::string out;
    const auto number = [](double value, int decimals) {
        std::string text;
        put(text, fixed_point{value, decimals});
        return text;
    };
    put_row(out, {"placement", "workers", "makespan", "longest_span", "bubble_ratio", "span_bubble_ratio",
                  "makespan_gap", "span_gap"});
    for (const placement_search& a : placement_searchs) {
        if (!a.found) {
            out += name(a.of.placement);
            out += ": " + a.refused + '\n';
            continue;
        }
        const search_result& r = *a.found;
        const int workers = r.order.head.workers;
        const work busy = work_of(a.of, r.order);
        put_row(out, {name(a.of.placement), std::to_string(workers), number(r.makespan, 6), number(r.longest_span, 6),
                      number(1 - busy.all / (workers * r.makespan), 6), number(1 - busy.most / r.longest_span, 6),
                      percent_text(r.makespan_gap()), percent_text(r.span_gap())});
    }
    return out;
}

/// Returns the proof that the bounds give for this placement.
const char* claim(const search_problem& of, const search_result& r) {
    const bool makespan = r.makespan_gap() <= 1e-9, span = r.span_gap() <= 1e-9;
    if (makespan && span) return "no makespan and no longest_span is less with this placement";
    if (makespan) return "no makespan is less with this placement";
    if (span) return "no longest_span is less with this placement";
    return of.minimise == objective::span ? "longest_span is within its gap of the least"
                                          : "makespan is within its gap of the least";
}

}  // namespace

std::string percent_text(double share) {
    std::string out;
    put(out, fixed_point{100 * share, 3}, " %");
    return out;
}

std::string search_words(const placement_search& best, const timeline& predicted,
                         const std::vector<placement_search>& all, time_unit unit) {
    const search_result& r = *best.found;
    const char* second = unit == time_unit::ticks ? " ticks" : " s";
    std::string out = "search ";
    put(out, name(best.of.placement), ": ");
    format::put_sizes(out, r.order.head);
    put(out, "\n", text(metrics(predicted), unit));
    put(out, "makespan_bound     ", fixed_point{r.makespan_bound, 9}, second, "\nmakespan_gap       ",
        percent_text(r.makespan_gap()));
    put(out, "\nspan_bound         ", fixed_point{r.span_bound, 9}, second, "\nspan_gap           ",
        percent_text(r.span_gap()));
    put(out, "\nproven             ", claim(best.of, r), "\nevaluations        ", r.evaluations,
        r.cut_short ? " (cut short)\n\n" : "\n\n");
    return out + table_of(all) + '\n';
}

}  // namespace chimera::executor
