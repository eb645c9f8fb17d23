// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>
#include <executor/communicate/bootstrap/socket.hpp>

#include <span>
#include <vector>

namespace chimera::executor::detail {

/// Connects every pair of workers. Returns, for each of `here`, its connections by worker. See process_world.
std::vector<std::vector<socket>> connect_all(meeting& met, std::span<const int> here, int workers,
                                             double timeout_seconds);

}  // namespace chimera::executor::detail
