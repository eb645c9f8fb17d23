// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/io/table.hpp>
#include <chimera/simulate/costs.hpp>

#include <string>
#include <string_view>

namespace chimera::executor {

using table = schedule_or_program;

/// The content of a costs file.
struct stated_costs {
    costs each;                                       ///< of a stage
    per_stage transfer_bytes{std::vector<double>{}};  ///< of a micro-batch at each boundary, where the file states them
};

/// Reads chimera.costs, version 1. `forward` and `backward` must be there (or, instead of `backward`, both its halves);
/// without more, each half of a backward takes half of it, recompute takes a forward, all else nothing.
stated_costs read_costs(std::string_view text);

/// Refuses costs whose lists fit neither one number for all nor `stages` (transfers: stages - 1) of them.
void check_lengths(const costs& of, int stages);

/// Returns the text of a file, as chimera::read_text_file does.
std::string read_file(const std::string& path);

/// Reads a file; the text of an error starts with its path. A table is read as
/// chimera::load_table does it; a note goes to standard error where cells of a CSV file are left out.
table load_table(const std::string& path);
stated_costs load_costs(const std::string& path);

}  // namespace chimera::executor
