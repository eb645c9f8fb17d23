// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/planner/model_layout.hpp>

#include <cstdio>
#include <memory>

namespace chimera::executor {

namespace {

struct schedule_arguments {
    family_arguments family;
    std::optional<std::string> layout;
    output_arguments output;
};

/// The options of the family; a layout says how many stages there are.
family_arguments family_of(const schedule_arguments& with) {
    family_arguments out = with.family;
    if (!with.layout) return out;
    const std::vector<layout_stage> stages = read_layout(*with.layout);
    const std::string count = std::to_string(stages.size());
    if (out.stages && *out.stages != count)
        refuse("--stages is " + *out.stages + " (the layout has " + count + ") leave it out");
    out.stages = count;
    const family_options of = out.options();
    check_family(of);
    check_layout_family(of);
    check_layout(stages, of.workers());
    return out;
}

void run_schedule(const schedule_arguments& with) {
    with.output.check({"text", "json", "csv", "svg", "html", "trace"});
    const family_arguments family = family_of(with);
    const schedule made = family.make();
    with.output.check_size(static_cast<std::int64_t>(made.entries.size()),
                           16.0 * static_cast<double>(made.entries.size()));
    if (with.output.format == "json") return with.output.write(json(schedule_view(made)));
    if (with.output.format == "csv") {
        with.output.write(csv(made));
        if (made.head.update != update_rule::flushed)
            std::fprintf(stderr, "chimera: note: csv does not say when weights change (use json to keep that)\n");
        return;
    }
    with.output.write(with.output.picture(ticks_timeline(made), time_unit::ticks, "", words_of(family.options())));
}

}  // namespace

void add_schedule(command_line& program, int&) {
    subcommand command = program.add("schedule", "generates a schedule: which worker computes what, in which order");
    const auto with = std::make_shared<schedule_arguments>();
    with->family.add_to(command, "FAMILY");
    command.option("--layout", with->layout, "a cut as Megatron-LM has it, which says the stages", "TEXT");
    with->output.add_to(command, "text|json|csv|svg|html|trace");
    command.footer(
        "Without costs every pass takes one tick. html is a page to zoom, to search and to step through; chimera "
        "compare "
        "makes one of\nseveral families under one time axis.\n"
        "Example: chimera schedule bidirectional --stages 4 --micro-batches 8 --format svg -o chimera.svg");
    command.run([with] { run_schedule(*with); });
}

}  // namespace chimera::executor
