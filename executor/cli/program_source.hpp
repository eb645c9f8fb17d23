// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <executor/cli/shared_options.hpp>

#include <optional>
#include <string>

namespace chimera::executor {

/// Returns true if what stands in the place of a family is the name of a file.
bool names_file(const family_arguments& family);

/// Returns the program of a file that stands in the place of a family: a program as it is, an order lowered. Throws
/// chimera_error where options of families or, for a program, `sync` are given, and where the file breaks a law or
/// --memory.
program program_from_file(const family_arguments& family, const std::optional<std::string>& sync);

}  // namespace chimera::executor
