// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/metrics_text.hpp>
#include <chimera/render/staleness_text.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/program_source.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/compare/contenders.hpp>
#include <executor/io/read.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace chimera::executor {

namespace {

struct simulate_arguments {
    family_arguments family;
    output_arguments output;
    std::optional<std::string> sync, costs, cores;
};

/// A program, and the family's options that its order has; `timed`: ticks among them were chosen for the costs.
struct chosen_program {
    program made;
    std::string options{};
    bool timed = false;
};

/// The order made for the costs, where that is the shorter one.
chosen_program timed_program(const simulate_arguments& with, const costs& cost, int cores) {
    const family_options given = with.family.options(), wanted = timed(given, cost);
    chosen_program out{lower(with.family.make(), sync_named(with.sync)), words_of(given)};
    check_lengths(cost, out.made.head.stages);
    if (wanted == given) return out;
    const schedule made = make_schedule(wanted);
    if (!with.family.keeps_memory(made)) return out;
    program other = lower(made, sync_named(with.sync));
    if (metrics(simulate(other, cost, cores)).makespan >= metrics(simulate(out.made, cost, cores)).makespan) return out;
    return {std::move(other), words_of(wanted), true};
}

chosen_program find_program(const simulate_arguments& with, const costs& cost, int cores) {
    if (names_file(with.family)) return {program_from_file(with.family, with.sync)};
    if (with.costs) return timed_program(with, cost, cores);
    program made = lower(with.family.make(), sync_named(with.sync));
    return {std::move(made), words_of(with.family.options())};
}

void run_simulate(const simulate_arguments& with) {
    with.output.check({"text", "json", "svg", "html", "trace"});
    const int cores = with.cores ? static_cast<int>(whole("--cores", *with.cores, 1, 65536)) : 0;
    costs cost;
    if (with.costs) cost = load_costs(*with.costs).each;
    const chosen_program chosen = find_program(with, cost, cores);
    const program& played = chosen.made;
    check_lengths(cost, played.head.stages);
    const time_unit unit = with.costs ? time_unit::seconds : time_unit::ticks;
    const auto start = std::chrono::steady_clock::now();
    const timeline predicted = simulate(played, cost, cores);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (with.output.format != "text" && with.output.format != "json") {
        return with.output.write(with.output.picture(predicted, unit, "simulated", chosen.options));
    }
    const metrics_report found = metrics(predicted);
    const double speed = static_cast<double>(found.slot_total) / std::max(took.count(), 1e-9);
    if (with.output.format == "json") return with.output.write(json(found, speed));
    std::string out = format::visible(played.head.family.view());
    if (!chosen.options.empty()) format::put(out, ' ', chosen.options);
    format::put(out, ": ");
    format::put_sizes(out, played.head);
    out += chosen.timed ? "; order made for the costs\n" : "\n";
    with.output.write(out + text(found, unit, speed) + staleness_text(played));
}

}  // namespace

void add_simulate(command_line& program, int&) {
    subcommand command =
        program.add("simulate", "predicts the timeline of a family, a schedule file or a program file");
    const auto with = std::make_shared<simulate_arguments>();
    with->family.add_to(command, "FAMILY|FILE");
    add_sync(command, with->sync);
    command.option("--costs", with->costs, "a chimera.costs file; without one every pass takes a tick", "FILE");
    command.option("--cores", with->cores, "how many workers can compute at once (all)", "K");
    with->output.add_to(command, "text|json|svg|html|trace");
    command.footer(
        "text and json are metrics, svg and trace the timeline, html both: a page to zoom and to step through.\n"
        "Example: chimera simulate bidirectional --stages 4 --micro-batches 8 --costs costs.json --format svg -o "
        "timeline.svg");
    command.run([with] { run_simulate(*with); });
}

}  // namespace chimera::executor
