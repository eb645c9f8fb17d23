// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>

#include <cstdio>
#include <memory>

namespace chimera::executor {

namespace {

struct schedule_arguments {
    family_arguments family;
    output_arguments output;
};

void run_schedule(const schedule_arguments& with) {
    with.output.check({"text", "json", "csv", "svg", "html", "trace"});
    const schedule made = with.family.make();
    with.output.check_size(static_cast<std::int64_t>(made.entries.size()),
                           16.0 * static_cast<double>(made.entries.size()));
    if (with.output.format == "json") return with.output.write(json(schedule_view(made)));
    if (with.output.format == "csv") {
        with.output.write(csv(made));
        if (made.head.update != update_rule::flushed)
            std::fprintf(stderr, "chimera: note: csv does not say when weights change (use json to keep that)\n");
        return;
    }
    with.output.write(with.output.picture(ticks_timeline(made), time_unit::ticks, "", words_of(with.family.options())));
}

}  // namespace

void add_schedule(command_line& program, int&) {
    subcommand command = program.add("schedule", "generates a schedule: which worker computes what, in which order");
    const auto with = std::make_shared<schedule_arguments>();
    with->family.add_to(command, "FAMILY");
    with->output.add_to(command, "text|json|csv|svg|html|trace");
    command.footer(
        "Without costs every pass takes one tick. html is a page to zoom, to search and to step through; chimera "
        "compare "
        "makes one of\nseveral families under one time axis.\n"
        "Example: chimera schedule bidirectional --stages 4 --micro-batches 8 --format svg -o chimera.svg");
    command.run([with] { run_schedule(*with); });
}

}  // namespace chimera::executor
