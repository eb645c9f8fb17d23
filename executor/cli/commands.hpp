// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/cli/command_line.hpp>

namespace chimera::executor {

// One file per subcommand. Each adds itself to the program; its callback throws chimera_error for bad input (exit 2)
// and sets `status` where it ends otherwise than well.

void add_schedule(command_line& program, int& status);
void add_program(command_line& program, int& status);
void add_verify(command_line& program, int& status);
void add_simulate(command_line& program, int& status);
void add_compare(command_line& program, int& status);
void add_play(command_line& program, int& status);
void add_search(command_line& program, int& status);
void add_gallery(command_line& program, int& status);
void add_partition(command_line& program, int& status);
void add_plan(command_line& program, int& status);
void add_profile(command_line& program, int& status);
void add_hardware(command_line& program, int& status);
void add_calibrate(command_line& program, int& status);
void add_train(command_line& program, int& status);
/// Completes what the others have added: comes last.
void add_completion(command_line& program, int& status);

}  // namespace chimera::executor
