// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/labels.hpp>
#include <chimera/verify.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/read.hpp>
#include <executor/io/write.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

namespace chimera::executor {

namespace {

struct verify_arguments {
    std::string file;
    std::optional<std::string> memory;
    std::optional<std::string> faults;
};

/// Returns the proof in one line.
std::string proof(const shape& head, std::size_t items, bool is_program, const report& found) {
    std::string out = "ok: ";
    format::put_visible(out, head.family.view());
    format::put(out, ", ");
    format::put_sizes(out, head);
    format::put(out, ", ", items, is_program ? " instructions" : " slots", "; laws ");
    for (int l = 0; l < (is_program ? law_count : 4); ++l) {
        format::put(out, l == 0 ? "" : ", ", name(static_cast<law>(l)));
    }
    const std::int32_t peak = found.peaks.empty() ? 0 : *std::max_element(found.peaks.begin(), found.peaks.end());
    const double activations = static_cast<double>(peak) / head.micro_batch_parts;
    format::put(out, "; peak ", format::fixed_point{activations, 3}, " activations\n");
    return out;
}

int verify_file(const verify_arguments& with) {
    limits allowed;
    if (with.faults) allowed.faults = static_cast<std::int32_t>(whole("--faults", *with.faults, 1, 1 << 20));
    if (with.memory) allowed.activations = static_cast<std::int32_t>(whole("--memory", *with.memory, 1, 1 << 30));
    table read;
    try {
        read = load_table(with.file);
    } catch (const contradiction& e) {
        write_output(e.what() + std::string("\n"));
        return 1;
    }
    const auto* program_read = std::get_if<program>(&read);
    const auto* schedule_read = std::get_if<schedule>(&read);
    const report found = program_read != nullptr ? verify(*program_read, allowed) : verify(*schedule_read, allowed);
    std::string out;
    for (const fault& f : found.faults) out += message(f) + '\n';
    std::int64_t all = 0;
    for (const std::int32_t count : found.counts) all += count;
    const auto kept = static_cast<std::int64_t>(found.faults.size());
    if (all > kept) format::put(out, "and ", all - kept, " more faults of the same laws\n");
    if (found.ok()) {
        out = program_read != nullptr ? proof(program_read->head, program_read->instructions.size(), true, found)
                                      : proof(schedule_read->head, schedule_read->entries.size(), false, found);
    }
    write_output(out);
    return found.ok() ? 0 : 1;
}

}  // namespace

void add_verify(command_line& program, int& status) {
    subcommand command =
        program.add("verify", "proves a schedule or program file, from whatever tool, or lists its faults");
    const auto with = std::make_shared<verify_arguments>();
    command.option("FILE", with->file, "a chimera.schedule or chimera.program file, or PyTorch-style CSV", " ", true);
    command.option("--memory", with->memory, "most live activations of a stage that a worker may hold", "LIMIT");
    command.option("--faults", with->faults, "faults listed of each law (16)", "COUNT");
    command.footer(
        "Ends with 0 where all laws hold, 1 with each fault on a line, 2 where the file cannot be read.\n"
        "Example: chimera verify schedule.json");
    command.run([with, &status] { status = verify_file(*with); });
}

}  // namespace chimera::executor
