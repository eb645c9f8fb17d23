// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/program/program.hpp>
#include <chimera/simulate/costs.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace chimera::executor {

/// Thrown where a file is well formed, but says of one thing two things that no table can hold both: replica groups
/// that differ between two instructions of one stage. To `verify` this is a fault of the file, to everyone else bad
/// input.
struct contradiction : chimera_error {
    contradiction(const std::string& text, chimera::complaint fault) : chimera_error(text, fault) {}
};

/// The content of a file of slots or instructions; its "format" says which.
using table = std::variant<schedule, program>;

/// Reads chimera.schedule or chimera.program, version 1. Slots may all leave out `tick`, and all `ticks`: an order
/// written by hand, which is then timed as early as it allows. Strict about form: every type, range, length and key;
/// every index lies within the sizes that the file states. Says nothing about the laws, which are verify's to judge.
/// Buffers, messages and replica groups of a program are worked out from the instructions. Linear in the text.
/// Throws chimera_error, in one line that names the place, such as `worker 2, slot 5: …`.
table read_table(std::string_view text);

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

/// A whole file; at most 12 GiB, and 256 MiB of what is not a regular file.
std::string read_file(const std::string& path);

/// Reads a file; the text of an error starts with its path. Tables may also be PyTorch-style CSV (see read_csv), known
/// by the name's end or the first cell; a note goes to standard error where cells are left out.
table load_table(const std::string& path);
stated_costs load_costs(const std::string& path);

}  // namespace chimera::executor
