// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/compare_text.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/json.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/compare/contenders.hpp>
#include <executor/io/read.hpp>

#include <algorithm>
#include <limits>
#include <memory>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

struct compare_arguments {
    std::vector<std::string> families;
    std::optional<std::string> stages, workers, micro_batches, costs, memory;
    output_arguments output;
};

constexpr const char* compared =
    "*: on the Pareto front of worker time per micro-batch (workers · makespan / micro-batches), peak of activations, "
    "weights kept by a worker, and staleness: no other row is as good in all four and better in one";

contest contest_of(const compare_arguments& with) {
    constexpr int most = std::numeric_limits<int>::max();
    contest out;
    if (with.stages.has_value() == with.workers.has_value())
        refuse("--stages or --workers is needed (one of them, and not both) say what all families have in common");
    if (!with.micro_batches) refuse("--micro-batches is missing (compare needs it) give their number per iteration");
    if (with.stages) out.stages = static_cast<int>(whole("--stages", *with.stages, 1, most));
    if (with.workers) out.workers = static_cast<int>(whole("--workers", *with.workers, 1, 65535));
    out.families = with.families;
    out.micro_batches = static_cast<int>(whole("--micro-batches", *with.micro_batches, 1, most));
    if (with.memory) out.memory = positive("--memory", *with.memory);
    const stated_costs stated = with.costs ? load_costs(*with.costs) : stated_costs{plain_costs()};
    out.cost = stated.each;
    out.transfer_bytes = stated.transfer_bytes;
    const std::int64_t lists = std::max(out.stages, out.workers);
    check_lengths(out.cost, static_cast<int>(std::min<std::int64_t>(lists, 1 << 20)));
    if (with.workers && std::max(out.cost.transfer.values.size(), out.transfer_bytes.values.size()) > 1)
        refuse(
            "transfer is a list (with --workers families differ in their stages) give one number for all boundaries");
    out.timelines = with.output.format == "svg" || with.output.format == "html";
    return out;
}

std::string number(double value, int decimals) {
    std::string out;
    put(out, fixed_point{value, decimals});
    return out;
}

html_table table_of(const std::vector<contender>& all, const contest& with, time_unit unit) {
    const std::string time = unit == time_unit::ticks ? " (ticks)" : " (s)";
    html_table out{"Families",
                   {"family", "workers", "stages", "makespan" + time, "bubble ratio", "span bubble",
                    "worker time" + time, "peak", "weights", "stale", "messages", "bytes", "reduced bytes", ""},
                   {}};
    if (with.workers > 0) out.head[7] = "peak (shares)", out.head[8] = "weights (shares)";
    const int decimals = unit == time_unit::ticks ? 3 : 6;
    for (const contender& c : all) {
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

/// Returns the common conditions in one line.
std::string heading(const contest& with, const compare_arguments& how) {
    std::string out;
    with.workers > 0 ? put(out, with.workers, " workers, ") : put(out, with.stages, " stages, ");
    put(out, with.micro_batches, " micro-batches");
    if (!how.costs)
        put(out, with.workers > 0 ? ", a worker's share takes" : ", a stage takes", " F = 1, B = 2, I = W = 1");
    return out;
}

std::string text_of(const html_table& table) {
    std::vector<std::size_t> widths;
    const auto printed = [](const std::string& cell) {
        return static_cast<std::size_t>(std::count_if(
            cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
    };
    for (std::size_t k = 0; k < table.head.size(); ++k) {
        widths.push_back(printed(table.head[k]));
        for (const auto& row : table.rows) widths[k] = std::max(widths[k], printed(row[k]));
    }
    std::string out;
    const auto put_row = [&](const std::vector<std::string>& row) {
        for (std::size_t k = 0; k < row.size(); ++k) {
            const std::string blank(widths[k] - printed(row[k]), ' ');
            k == 0 ? put(out, row[k], blank) : put(out, "  ", blank, row[k]);
        }
        while (out.back() == ' ') out.pop_back();
        out.push_back('\n');
    };
    put_row(table.head);
    for (const auto& row : table.rows) put_row(row);
    return out;
}

std::string json_of(const std::vector<contender>& all, const std::vector<refused_family>& refused,
                    const contest& with) {
    std::string out = "{\"format\":\"chimera.comparison\",\"version\":1";
    put(out, with.workers > 0 ? ",\"workers\":" : ",\"stages\":", std::max(with.workers, with.stages));
    put(out, ",\"micro_batches\":", with.micro_batches, ",\n \"families\":[");
    const char* before = "\n  ";
    const auto optional = [&](const char* key, const std::optional<double>& value) {
        put(out, ",\"", key, "\":");
        value ? put(out, *value) : put(out, "null");
    };
    for (const contender& c : all) {
        put(out, before, "{\"family\":");
        format::put_quoted(out, c.name);
        put(out, ",\"workers\":", c.head.workers, ",\"stages\":", c.head.stages, ",\"makespan\":", c.found.makespan);
        put(out, ",\"bubble_ratio\":", c.found.bubble_ratio, ",\"span_bubble_ratio\":", c.found.span_bubble_ratio);
        put(out, ",\"worker_time\":", c.worker_time(), ",\"peak_activations\":", c.peak, ",\"weights\":", c.weights);
        put(out, ",\"stage_share\":", c.share, ",\"staleness\":", c.stale, ",\"messages\":", c.messages);
        optional("bytes", c.bytes);
        put(out, ",\"reductions\":", c.reductions);
        optional("reduced_bytes", c.reduced);
        put(out, ",\"front\":", c.front ? "true}" : "false}");
        before = ",\n  ";
    }
    put(out, "],\n \"refused\":[");
    before = "\n  ";
    for (const refused_family& r : refused) {
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

void run_compare(const compare_arguments& how) {
    how.output.check({"text", "json", "svg", "html"});
    const contest with = contest_of(how);
    std::vector<refused_family> refused;
    std::vector<contender> all = hold(with, refused);
    if (all.empty())
        refuse("no family fits (" + refused.front().name + ": " + refused.front().why + ") use other sizes");
    const std::string& format = how.output.format;
    if (format == "json") return how.output.write(json_of(all, refused, with));
    const time_unit unit = how.costs ? time_unit::seconds : time_unit::ticks;
    if (format == "text") {
        std::string out = heading(with, how) + '\n' + text_of(table_of(all, with, unit)) + compared + '\n';
        for (const refused_family& r : refused) put(out, "refused: ", r.name, ": ", r.why, "\n");
        return how.output.write(out);
    }
    const std::vector<panel> panels = panels_of(all);
    if (format == "svg")
        return how.output.write(svg(panels, {.unit = unit, .title = "Families", .note = heading(with, how)}));
    html_table others{"Refused", {"family", "why"}, {}};
    for (const refused_family& r : refused) others.rows.push_back({r.name, r.why});
    html_options page{.unit = unit, .title = "Families", .note = heading(with, how), .remark = compared};
    page.tables.push_back(table_of(all, with, unit));
    if (!others.rows.empty()) page.tables.push_back(others);
    how.output.write(html(panels, page));
}

}  // namespace

void add_compare(command_line& program, int&) {
    subcommand command = program.add("compare", "all families, or some, side by side, under the same costs");
    const auto with = std::make_shared<compare_arguments>();
    command.option("FAMILY", with->families, "only these, such as one_f_one_b 'bidirectional --split' (all)", "...");
    command.option("--stages", with->stages,
                   "stages of the model, the same for all (folded families use half as "
                   "many workers)",
                   "D");
    command.option("--workers", with->workers,
                   "instead: workers, the same for all; each family cuts the model as it needs", "W");
    command.option("--micro-batches", with->micro_batches, "micro-batches of an iteration", "N");
    command.option("--costs", with->costs,
                   "a chimera.costs file: of a stage, or with --workers of a worker's share "
                   "(F = 1, B = 2, I = W = 1)",
                   "FILE");
    command.option("--memory", with->memory,
                   "leave out families with a larger peak, in activations of a stage, or "
                   "with --workers of a worker's share",
                   "LIMIT");
    with->output.add_to(command, "text|json|svg|html");
    command.footer(
        "svg and html draw all timelines under one time axis; html is a page to zoom and to step through.\n"
        "Example: chimera compare --workers 4 --micro-batches 8 --format html -o families.html\n"
        "         chimera compare gpipe zb_h1 'wave --waves 2' --workers 4 --micro-batches 8 --format html -o "
        "three.html");
    command.run([with] { run_compare(*with); });
}

}  // namespace chimera::executor
