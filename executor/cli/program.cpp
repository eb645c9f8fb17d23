// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/render/cpp.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/program_text.hpp>
#include <chimera/render/staleness_text.hpp>
#include <chimera/verify.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/program_source.hpp>
#include <executor/cli/shared_options.hpp>

#include <memory>

namespace chimera::executor {

namespace {

struct program_arguments {
    family_arguments family;
    output_arguments output;
    std::optional<std::string> sync, name;
};

program make_program(const program_arguments& with) {
    if (names_file(with.family)) return program_from_file(with.family, with.sync);
    return lower(with.family.make(), sync_named(with.sync));
}

/// Returns the command that lowers the program.
std::string command_of(const program_arguments& with) {
    const family_arguments& f = with.family;
    std::string out = "chimera program " + f.family;
    const auto add = [&](const char* option, const std::optional<std::string>& value) {
        if (value) format::put(out, ' ', option, ' ', *value);
    };
    add("--stages", f.stages), add("--micro-batches", f.micro_batches);
    const std::string options = names_file(f) ? "" : words_of(f.options());
    if (!options.empty()) format::put(out, ' ', options);
    add("--sync", with.sync);
    return out;
}

/// Returns the header of a program, named as asked or after the family and its sizes.
std::string header(program_view made, const program_arguments& with) {
    if (!with.name && names_file(with.family))
        refuse("--name is missing (a file has none that C++ can take) choose one such as my_table");
    if (const report found = verify(made); !found.ok()) refuse(message(found.faults.front()));
    std::string name = with.name.value_or("");
    if (!with.name) format::put(name, made.head.family.view(), '_', made.head.stages, '_', made.head.micro_batches);
    return cpp(made, name, command_of(with));
}

void run_program(const program_arguments& with) {
    with.output.check({"text", "json", "csv", "cpp"});
    if (with.name && with.output.format != "cpp")
        refuse("--name does not apply (only headers have one) add --format cpp");
    const program made = make_program(with);
    with.output.check_size(static_cast<std::int64_t>(made.instructions.size()),
                           48.0 * static_cast<double>(made.instructions.size()));
    if (with.output.format == "cpp") return with.output.write(header(made, with));
    if (with.output.format == "csv") return with.output.write(csv(program_view(made)));
    with.output.write(with.output.format == "json" ? json(program_view(made))
                                                   : text(program_view(made)) + staleness_text(made));
}

}  // namespace

void add_program(command_line& program, int&) {
    subcommand command = program.add("program", "lowers a schedule: adds transfers, buffers, reductions and updates");
    const auto with = std::make_shared<program_arguments>();
    with->family.add_to(command, "FAMILY|FILE");
    add_sync(command, with->sync);
    with->output.add_to(command, "text|json|csv|cpp");
    command.option("--name", with->name, "with --format cpp: the header's namespace (the family and its sizes)",
                   "NAME");
    command.footer(
        "Example: chimera program bidirectional --stages 4 --micro-batches 4 --sync lazy --format json -o "
        "program.json");
    command.run([with] { run_program(*with); });
}

}  // namespace chimera::executor
