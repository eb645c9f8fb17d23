// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace chimera::executor {

// One file per subcommand. Each adds itself to the program; its callback throws chimera::error for bad input (exit 2)
// and sets `status` where it ends otherwise than well.

void add_schedule(CLI::App& program, int& status);
void add_program(CLI::App& program, int& status);
void add_verify(CLI::App& program, int& status);
void add_simulate(CLI::App& program, int& status);
void add_compare(CLI::App& program, int& status);
void add_play(CLI::App& program, int& status);
void add_search(CLI::App& program, int& status);
void add_gallery(CLI::App& program, int& status);
void add_partition(CLI::App& program, int& status);
void add_plan(CLI::App& program, int& status);
void add_profile(CLI::App& program, int& status);
void add_calibrate(CLI::App& program, int& status);
void add_train(CLI::App& program, int& status);

}  // namespace chimera::executor
