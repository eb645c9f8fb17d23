// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// The workers of a group, ascending.
using members = std::vector<std::int32_t>;

/// Puts groups into rounds within which no worker is in two of them: communicators of one round are made by one split.
/// The same on every rank, whatever order the groups come in; groups of one and repeated groups are left out.
std::vector<std::vector<members>> rounds_of(std::span<const members> groups);

}  // namespace chimera::executor
