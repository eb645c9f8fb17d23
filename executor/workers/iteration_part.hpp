// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/simulate/timeline.hpp>
#include <executor/workers/process_group.hpp>

#include <optional>
#include <vector>

namespace chimera::executor {

/// The part of an iteration that one process knows.
struct iteration_part {
    double began = 0;            ///< on rank 0's clock, seconds
    std::vector<double> losses;  ///< of each unit, 0 where another process has it; or none
    std::vector<double> norms;   ///< of each stage, likewise; or none
    timeline measured;           ///< rows of workers that other processes play are empty
};

/// On rank 0 all parts as one, whose times count from when the first began; nothing elsewhere. All ranks call it. What
/// was done and in which order is the program's: other ranks send times, losses and norms alone, and bad_message is
/// thrown where these are not as many as are due, or no times.
std::optional<iteration_part> put_together(process_group& all, const program_view& program, const iteration_part& mine);

}  // namespace chimera::executor
