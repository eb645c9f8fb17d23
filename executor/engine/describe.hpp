// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <chimera/run/describe_instruction.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// Describes the instruction with which `worker` receives a message.
inline std::string describe_receive(const program_view& p, int worker, int message) {
    const auto row = p.row(worker);
    int index = 0;
    for (const instruction& i : row) {
        if (is_recv(i.op) && i.message == message) break;
        ++index;
    }
    return chimera::detail::describe_instruction(p, worker, index);
}

/// Every instruction of a worker in words.
inline std::vector<std::string> names_of(const program_view& p, int worker) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < p.row(worker).size(); ++i)
        names.push_back(chimera::detail::describe_instruction(p, worker, static_cast<int>(i)));
    return names;
}

}  // namespace chimera::executor
