// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/program/program.hpp>

#include <cstddef>
#include <string>

namespace chimera::detail {

/// Returns `worker 2, instruction 17, backward (stage 1, unit 3, peer 4)`; a dash for what does not apply. `peer` is
/// taken where the instruction has none.
[[nodiscard]] inline std::string describe_instruction(const program_view& p, int worker, int index, int peer = -1) {
    const auto number = [](int value) { return value < 0 ? std::string("-") : std::to_string(value); };
    const std::string who = "worker " + std::to_string(worker);
    const auto row = p.row(worker);
    if (index < 0 || static_cast<std::size_t>(index) >= row.size()) return who + ", outside its instructions";
    const instruction& i = row[static_cast<std::size_t>(index)];
    return who + ", instruction " + std::to_string(index) + ", " + name(i.op) + " (stage " + std::to_string(i.stage) +
           ", unit " + number(i.first) + ", peer " + number(i.peer >= 0 ? i.peer : peer) + ")";
}

[[noreturn]] inline void cannot_run(const program_view& p, int worker, int index, const std::string& why) {
    refuse(describe_instruction(p, worker, index) + " cannot run (" + why + ") verify the program");
}

}  // namespace chimera::detail
