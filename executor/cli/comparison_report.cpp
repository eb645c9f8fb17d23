// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/compare_text.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/text_table.hpp>

#include <executor/cli/comparison_report.hpp>

#include <algorithm>
#include <cstdio>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

constexpr std::size_t columns_most = 100;
constexpr const char* compared =
    "*: on the Pareto front of worker time per micro-batch (workers · makespan / micro-batches), peak of activations, "
    "weights kept by a worker, and staleness: no other row is as good in all four and better in one";

std::string number(double value, int decimals) {
    std::string out;
    put(out, fixed_point{value, decimals});
    return out;
}

/// Five significant digits, for columns that must stay narrow.
std::string short_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.5g", value);
    return text;
}

html_table table_of(const comparison& from) {
    const contest& with = from.conditions;
    const std::string time = from.unit == time_unit::ticks ? " (ticks)" : " (s)";
    html_table out{"Families",
                   {"family", "workers", "stages", "makespan" + time, "bubble ratio", "span bubble",
                    "worker time" + time, "peak", "weights", "stale", "messages", "bytes", "reduced bytes", ""},
                   {}};
    if (with.workers > 0) out.head[7] = "peak (shares)", out.head[8] = "weights (shares)";
    const int decimals = from.unit == time_unit::ticks ? 3 : 6;
    for (const contender& c : from.contenders) {
        const double share = with.workers > 0 ? c.share : 1;
        out.rows.push_back({c.name, std::to_string(c.head.workers), std::to_string(c.head.stages),
                            number(c.found.makespan, decimals), number(c.found.bubble_ratio, 4),
                            number(c.found.span_bubble_ratio, 4), number(c.worker_time(), decimals),
                            number(c.peak * share, 3), number(c.weights * share, 3), std::to_string(c.stale),
                            std::to_string(c.messages), c.bytes ? number(*c.bytes, 0) : "-",
                            c.reduced ? number(*c.reduced, 0) : "-", c.front ? "*" : ""});
    }
    return out;
}

std::vector<panel> panels_of(const std::vector<contender>& all) {
    std::vector<panel> out;
    for (const contender& c : all) {
        std::string caption;
        put(caption, c.head.stages, " stages on ", c.head.workers, " workers · makespan ");
        put(caption, fixed_point{c.found.makespan, 6}, " · bubble ratio ", fixed_point{100 * c.found.bubble_ratio, 1});
        put(caption, " % · peak ", fixed_point{c.peak * c.share, 3}, c.front ? " · on the front" : "");
        out.push_back({&c.played, c.name, caption, -1, c.share});
    }
    return out;
}

/// The columns of text: those that say something, in few letters.
std::string text_table_of(const comparison& from) {
    const auto any = [&](auto member) {
        return std::any_of(from.contenders.begin(), from.contenders.end(),
                           [&](const contender& c) { return (c.*member).has_value(); });
    };
    const bool bytes = any(&contender::bytes), reduced = any(&contender::reduced);
    chimera::detail::text_table table(columns_most);
    const auto add = [&](std::vector<std::string> row, const std::string& moved, const std::string& summed) {
        if (bytes) row.push_back(moved);
        if (reduced) row.push_back(summed);
        table.row(std::move(row));
    };
    const bool shares = from.conditions.workers > 0;
    add({"  family", shares ? "stages" : "workers", "makespan", "bubble", "span", "time", "peak", "weights", "stale",
         "sends"},
        "bytes", "reduced");
    for (const contender& c : from.contenders) {
        const double share = shares ? c.share : 1;
        add({(c.front ? "* " : "  ") + c.name, std::to_string(shares ? c.head.stages : c.head.workers),
             short_number(c.found.makespan), number(c.found.bubble_ratio, 3), number(c.found.span_bubble_ratio, 3),
             short_number(c.worker_time()), number(c.peak * share, 2), number(c.weights * share, 2),
             std::to_string(c.stale), std::to_string(c.messages)},
            c.bytes ? short_number(*c.bytes) : "-", c.reduced ? short_number(*c.reduced) : "-");
    }
    std::string out;
    table.append_to(out);
    return out;
}

/// Says what the columns hold.
std::string legend_of(const comparison& from) {
    const std::string unit = from.unit == time_unit::ticks ? "ticks" : "seconds";
    const std::string of = from.conditions.workers > 0 ? "shares of the model" : "stages";
    return "makespan in " + unit +
           "; bubble: idle share of the makespan, and within each worker's span; time: " + unit +
           " of all workers for a micro-batch; peak: live activations of a worker, in those of " + of +
           "; weights: kept by a worker, in " + of + "; stale: age of weights in updates; sends: messages";
}

/// Calls f(key, text) with every figure of a contender, as JSON and CSV name them; an empty text is unknown.
template <class F>
void each_figure(const contender& c, const F& f) {
    const auto say = [&](const char* key, const auto& value) {
        std::string text;
        put(text, value);
        f(key, text);
    };
    const auto perhaps = [&](const char* key, const std::optional<double>& value) {
        value ? say(key, *value) : f(key, std::string());
    };
    say("workers", c.head.workers);
    say("stages", c.head.stages);
    say("makespan", c.found.makespan);
    say("bubble_ratio", c.found.bubble_ratio);
    say("span_bubble_ratio", c.found.span_bubble_ratio);
    say("worker_time", c.worker_time());
    say("peak_activations", c.peak);
    say("weights", c.weights);
    say("stage_share", c.share);
    say("staleness", c.stale);
    say("messages", c.messages);
    perhaps("bytes", c.bytes);
    say("reductions", c.reductions);
    perhaps("reduced_bytes", c.reduced);
    f("front", std::string(c.front ? "true" : "false"));
}

}  // namespace

std::string comparison_text(const comparison& all) {
    std::string out = all.heading + '\n' + text_table_of(all);
    chimera::detail::put_wrapped(out, legend_of(all), 2, columns_most);
    chimera::detail::put_wrapped(out, compared, 2, columns_most);
    for (const refused_family& r : all.refused)
        chimera::detail::put_wrapped(out, "refused: " + r.name + ": " + r.why, 2, columns_most);
    return out;
}

std::string comparison_json(const comparison& all) {
    const contest& with = all.conditions;
    std::string out = "{\"format\":\"chimera.comparison\",\"version\":1";
    put(out, with.workers > 0 ? ",\"workers\":" : ",\"stages\":", std::max(with.workers, with.stages));
    if (with.width > 1) put(out, ",\"width\":", with.width);
    put(out, ",\"micro_batches\":", with.micro_batches, ",\n \"families\":[");
    const char* before = "\n  ";
    for (const contender& c : all.contenders) {
        put(out, before, "{\"family\":");
        format::put_quoted(out, c.name);
        each_figure(c, [&](const char* key, const std::string& value) {
            put(out, ",\"", key, "\":", value.empty() ? "null" : value);
        });
        put(out, '}');
        before = ",\n  ";
    }
    put(out, "],\n \"refused\":[");
    before = "\n  ";
    for (const refused_family& r : all.refused) {
        put(out, before, "{\"family\":");
        format::put_quoted(out, r.name);
        put(out, ",\"why\":");
        format::put_quoted(out, r.why);
        put(out, '}');
        before = ",\n  ";
    }
    put(out, "]}\n");
    return out;
}

std::string comparison_csv(const comparison& all) {
    std::string head = "family";
    std::string rows;
    for (const contender& c : all.contenders) {
        put(rows, c.name);
        const bool first = rows.size() == c.name.size();
        each_figure(c, [&](const char* key, const std::string& value) {
            if (first) put(head, ',', key);
            put(rows, ',', value);
        });
        rows.push_back('\n');
    }
    return head + '\n' + rows;
}

std::string comparison_svg(const comparison& all) {
    return svg(panels_of(all.contenders), {.unit = all.unit, .title = "Families", .note = all.heading});
}

std::string comparison_html(const comparison& all) {
    html_table others{"Refused", {"family", "why"}, {}};
    for (const refused_family& r : all.refused) others.rows.push_back({r.name, r.why});
    html_options page{.unit = all.unit, .title = "Families", .note = all.heading, .remark = compared};
    page.tables.push_back(table_of(all));
    if (!others.rows.empty()) page.tables.push_back(others);
    return html(panels_of(all.contenders), page);
}

}  // namespace chimera::executor
