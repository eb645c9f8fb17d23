// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// `worker 2, instruction 17, backward (stage 1, unit 3, peer 4)`; what does not apply is a dash.
/// `peer` overrides the instruction's own where that has none.
inline std::string describe(const program_view& p, int worker, int index, int peer = -1) {
    const auto number = [](int value) { return value < 0 ? std::string("-") : std::to_string(value); };
    const std::string who = "worker " + std::to_string(worker);
    const auto row = p.row(worker);
    if (index < 0 || static_cast<std::size_t>(index) >= row.size()) return who + ", outside its instructions";
    const instruction& i = row[static_cast<std::size_t>(index)];
    return who + ", instruction " + std::to_string(index) + ", " + name(i.op) + " (stage " + std::to_string(i.stage) +
           ", unit " + number(i.first) + ", peer " + number(i.peer >= 0 ? i.peer : peer) + ")";
}

/// Describes the instruction with which `worker` receives a message.
inline std::string describe_receive(const program_view& p, int worker, int message) {
    const auto row = p.row(worker);
    int index = 0;
    for (const instruction& i : row) {
        if (is_recv(i.op) && i.message == message) break;
        ++index;
    }
    return describe(p, worker, index);
}

/// Every instruction of a worker in words.
inline std::vector<std::string> names_of(const program_view& p, int worker) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < p.row(worker).size(); ++i) names.push_back(describe(p, worker, static_cast<int>(i)));
    return names;
}

}  // namespace chimera::executor
