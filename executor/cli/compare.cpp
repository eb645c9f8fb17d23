// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/comparison_report.hpp>
#include <executor/cli/progress_line.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/compare/entries.hpp>
#include <executor/io/read.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

namespace chimera::executor {

namespace {

using format::put;

struct compare_arguments {
    std::vector<std::string> families;
    std::optional<std::string> stages, workers, width, chunks, micro_batches, costs, memory, sync;
    output_arguments output;
};

contest contest_of(const compare_arguments& with) {
    constexpr int most = std::numeric_limits<int>::max();
    contest out;
    if (with.stages.has_value() == with.workers.has_value())
        refuse("--stages or --workers is needed (one of them, and not both) say what all families have in common");
    if (!with.micro_batches) refuse("--micro-batches is missing (compare needs it) give their number per iteration");
    if (with.stages) out.stages = static_cast<int>(whole("--stages", *with.stages, 1, most));
    if (with.workers) out.workers = static_cast<int>(whole("--workers", *with.workers, 1, 65535));
    if (with.width) out.width = static_cast<int>(whole("--width", *with.width, 1, 65535));
    if (with.chunks) out.chunks = numbers_of("--chunks", *with.chunks, 65535);
    out.synchronisation = sync_named(with.sync);
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

/// Returns the common conditions in one line.
std::string heading(const contest& with, const compare_arguments& how) {
    std::string out;
    with.workers > 0 ? put(out, with.workers, " workers, ") : put(out, with.stages, " stages, ");
    put(out, with.micro_batches, " micro-batches");
    if (with.width > 1) put(out, " on each of ", with.width, " copies");
    if (!how.costs)
        put(out, with.workers > 0 ? ", a worker's share takes" : ", a stage takes", " F = 1, B = 2, I = W = 1");
    return out;
}

void run_compare(const compare_arguments& how) {
    how.output.check({"text", "json", "csv", "svg", "html"});
    contest with = contest_of(how);
    comparison all{with, {}, {}, how.costs ? time_unit::seconds : time_unit::ticks, heading(with, how)};
    {
        progress_line line(false);
        with.progress = [&](const std::string& name, std::size_t done, std::size_t entries) {
            line.show("compare: " + std::to_string(done) + " of " + std::to_string(entries) + " done, next " + name);
        };
        all.contenders = hold(with, all.refused);
    }
    if (all.contenders.empty())
        refuse("no family fits (" + all.refused.front().name + ": " + all.refused.front().why + ") use other sizes");
    std::stable_sort(all.contenders.begin(), all.contenders.end(), [](const contender& a, const contender& b) {
        return std::pair(a.worker_time(), a.peak * a.share) < std::pair(b.worker_time(), b.peak * b.share);
    });
    const std::string& format = how.output.format;
    how.output.write(format == "json"   ? comparison_json(all)
                     : format == "csv"  ? comparison_csv(all)
                     : format == "svg"  ? comparison_svg(all)
                     : format == "html" ? comparison_html(all)
                                        : comparison_text(all));
}

}  // namespace

void add_compare(command_line& program, int&) {
    subcommand command = program.add("compare", "all families, or some, side by side, under the same costs");
    const auto with = std::make_shared<compare_arguments>();
    command.option("FAMILY", with->families,
                   "only these, with their options, such as 1f1b 'interleaved --chunks 2,4' (all)", "...");
    command.option("--stages", with->stages,
                   "stages of the model, the same for all (folded families use half as "
                   "many workers)",
                   "D");
    command.option("--workers", with->workers,
                   "instead: workers, the same for all; each family cuts the model as it needs", "W");
    command.option("--width", with->width, "data-parallel copies of that (1)", "W");
    command.option("--chunks", with->chunks, "stages on a worker, where a family lets choose: one row for each", "V,V");
    command.option("--micro-batches", with->micro_batches, "micro-batches of an iteration (of each copy)", "N");
    command.option("--costs", with->costs,
                   "a chimera.costs file: of a stage, or with --workers of a worker's share "
                   "(F = 1, B = 2, I = W = 1)",
                   "FILE");
    command.option("--memory", with->memory,
                   "leave out families with a larger peak, in activations of a stage, or "
                   "with --workers of a worker's share",
                   "LIMIT");
    add_sync(command, with->sync);
    with->output.add_to(command, "text|json|csv|svg|html");
    command.footer(
        "svg and html draw all timelines under one time axis; html is a page to zoom and to step through.\n"
        "Example: chimera compare --workers 4 --micro-batches 8 --format html -o families.html\n"
        "         chimera compare gpipe zb_h1 'interleaved --chunks 2,4' --workers 4 --micro-batches 8 --format html "
        "-o "
        "three.html");
    command.run([with] { run_compare(*with); });
}

}  // namespace chimera::executor
