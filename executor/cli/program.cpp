// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/program_text.hpp>
#include <chimera/render/staleness_text.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>

#include <memory>

namespace chimera::executor {

namespace {

struct program_arguments {
    family_arguments family;
    output_arguments output;
    std::optional<std::string> sync;
};

void run_program(const program_arguments& with) {
    with.output.check({"text", "json", "csv"});
    const reduction_start mode = sync_named(with.sync);
    const program made = lower(with.family.make(), mode);
    with.output.check_size(static_cast<std::int64_t>(made.instructions.size()),
                           48.0 * static_cast<double>(made.instructions.size()));
    if (with.output.format == "csv") return with.output.write(csv(program_view(made)));
    with.output.write(with.output.format == "json" ? json(program_view(made))
                                                   : text(program_view(made)) + staleness_text(made));
}

}  // namespace

void add_program(command_line& program, int&) {
    subcommand command = program.add("program", "lowers a schedule: adds transfers, buffers, reductions and updates");
    const auto with = std::make_shared<program_arguments>();
    with->family.add_to(command, "FAMILY");
    add_sync(command, with->sync);
    with->output.add_to(command, "text|json|csv");
    command.footer(
        "Example: chimera program bidirectional --stages 4 --micro-batches 4 --sync lazy --format json -o "
        "program.json");
    command.run([with] { run_program(*with); });
}

}  // namespace chimera::executor
