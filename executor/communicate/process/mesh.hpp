// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>
#include <executor/communicate/bootstrap/socket.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor::detail {

/// The facts of a world that all its processes know.
struct world_card {
    std::uint64_t token = 0;           ///< the same for all, another in each world
    std::vector<std::size_t> rank_of;  ///< by worker
};

/// A world's connections: for each of a process's workers, by worker.
struct mesh {
    world_card known;
    std::vector<std::vector<socket>> connections;
};

/// Connects every pair of workers; `here`: those of this process. See process_world.
mesh connect_all(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds);

}  // namespace chimera::executor::detail
