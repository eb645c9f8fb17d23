// SPDX-License-Identifier: Apache-2.0
#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/play/terminal.hpp>

#include <algorithm>
#include <limits>
#include <memory>

namespace chimera::executor {

namespace {

struct play_arguments {
    family_arguments family;
    std::string folder = ".";
};

/// Returns the first screen's settings. data_parallel is asked for in workers and all their micro-batches there.
play::settings settings_of(const play_arguments& with) {
    const play::settings otherwise;
    play::settings out;
    if (with.family.family.empty() && !with.family.any_given() && !with.family.memory) return out;
    family_arguments given = with.family;
    if (given.family.empty()) given.family = name(otherwise.of.which);
    family_options& of = out.of = given.options();
    if (of.which == family::data_parallel) {
        of.stages = of.width;
        of.micro_batches = static_cast<int>(
            std::min<std::int64_t>(std::int64_t{of.micro_batches} * of.width, std::numeric_limits<int>::max()));
    } else if (of.width != 1) {
        refuse("--width does not apply (play shows one copy of the pipelines) leave it out");
    }
    of.width = 1;
    if (of.stages == 0) of.stages = otherwise.of.stages;
    if (of.micro_batches == 0) of.micro_batches = otherwise.of.micro_batches;
    if (of.recompute.mode == recompute_mode::mixed)
        refuse("--recompute is a list (play has all stages recompute, or none) give none or full");
    if (with.family.memory) out.memory = positive("--memory", *with.family.memory);
    return out;
}

}  // namespace

void add_play(command_line& program, int&) {
    subcommand command = program.add("play", "change a schedule by keys and see what it costs, in the terminal");
    const auto with = std::make_shared<play_arguments>();
    with->family.add_to(command, "FAMILY", false);
    command.option("--folder", with->folder, "where s saves to (.)", "FOLDER");
    command.footer(
        "Families, sizes, costs and a memory limit by keys; beside them the schedule, its bubbles, its memory and "
        "which\n"
        "family would do better. ? lists the keys, e shows the command lines that lead to what is shown, q leaves.\n"
        "Example: chimera play zb_v --stages 8 --micro-batches 8");
    command.run([with] { play::run_on_terminal(settings_of(*with), with->folder); });
}

}  // namespace chimera::executor
