// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/verify.hpp>

#include <executor/cli/program_source.hpp>
#include <executor/io/read.hpp>

#include <utility>
#include <variant>

namespace chimera::executor {

namespace {

/// Refuses what breaks a law, or --memory.
template <class Table>
void require_proven(const Table& of, const family_arguments& family) {
    const report found = verify(of);
    if (!found.ok()) refuse(family.family + ": " + message(found.faults.front()), found.faults.front().what);
    family.check_memory(of.head, found.peaks);
}

}  // namespace

bool names_file(const family_arguments& family) {
    if (find_family(family.family)) return false;
    return family.family.find_first_of("./") != std::string::npos || !family.any_given();
}

program program_from_file(const family_arguments& family, const std::optional<std::string>& sync) {
    const std::string& path = family.family;
    if (family.any_given()) refuse("options of families do not apply (" + path + " is a file) leave them out");
    table read = load_table(path);
    if (auto* whole_program = std::get_if<program>(&read)) {
        if (sync) refuse("--sync does not apply (" + path + " is a program, lowered already) leave it out");
        require_proven(*whole_program, family);
        return std::move(*whole_program);
    }
    const auto& order = std::get<schedule>(read);
    require_proven(order, family);
    return lower(order, sync_named(sync));
}

}  // namespace chimera::executor
