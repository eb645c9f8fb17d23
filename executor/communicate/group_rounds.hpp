// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// The workers of a group, ascending.
using members = std::vector<std::int32_t>;

/// Puts groups into rounds: no worker is in two groups of a round, so one split makes the communicators of a round.
/// Every rank gets equal rounds, whatever order the groups come in. Groups of one and repeated groups are left out.
std::vector<std::vector<members>> rounds_of(std::span<const members> groups);

}  // namespace chimera::executor
