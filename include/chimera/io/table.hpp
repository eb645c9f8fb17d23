// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/program/program.hpp>

#include <string>
#include <variant>

namespace chimera {

/// An error of a file that is well formed, but says of one thing two things that no table can hold both: replica groups
/// that differ between two instructions of one stage. To `verify` this is a fault of the file, to everyone else bad
/// input.
struct contradiction : chimera_error {
    /// Takes the line that says it, and the fault that `verify` names.
    contradiction(const std::string& text, chimera::complaint fault) : chimera_error(text, fault) {}
};

/// The content of a file of slots or instructions; its "format" says which.
using schedule_or_program = std::variant<schedule, program>;

}  // namespace chimera
