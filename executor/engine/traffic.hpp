// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>

#include <chimera/program/under_way.hpp>

#include <span>
#include <vector>

namespace chimera::executor {

/// The traffic of `worker` in an iteration: its transfers, sends among them, in their order, and where messages are
/// consumed.
std::vector<traffic> traffic_of(int worker, std::span<const transfer> row, std::span<const message_life> lives);

}  // namespace chimera::executor
