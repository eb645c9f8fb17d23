// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/group_rounds.hpp>

#include <chimera/program/program.hpp>

#include <vector>

namespace chimera::executor {

/// The workers of each stage's replicas: what communicators that are made beforehand have to know of a program.
inline std::vector<members> replica_groups(const program_view& p) {
    std::vector<members> all;
    for (int s = 0; s < p.head.stages; ++s) {
        const auto group = p.replica_group(s);
        all.emplace_back(group.begin(), group.end());
    }
    return all;
}

}  // namespace chimera::executor
