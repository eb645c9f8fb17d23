// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/plan/hardware.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace chimera {

/// The workers of a cluster: equal except for `speeds` and `memories`.
struct cluster {
    int nodes = 1;                                            ///< number of nodes
    int workers_per_node = 1;                                 ///< workers of a node
    double memory = std::numeric_limits<double>::infinity();  ///< bytes a worker
    hardware each{};                                          ///< speed of a worker and of the links
    std::vector<double> speeds{};                             ///< of every worker, relative to `each`; empty: all 1
    std::vector<double> memories{};                           ///< bytes of every worker; empty: all `memory`

    friend constexpr bool operator==(const cluster&, const cluster&) = default;
    /// Returns the number of workers: that of `speeds` if there are any, else those of all nodes.
    [[nodiscard]] constexpr int workers() const noexcept {
        return speeds.empty() ? nodes * workers_per_node : static_cast<int>(speeds.size());
    }
    /// Returns the speed of a worker relative to `each`.
    [[nodiscard]] constexpr double speed(int worker) const noexcept {
        return speeds.empty() ? 1 : speeds[static_cast<std::size_t>(worker)];
    }
    /// Returns the memory of a worker, in bytes.
    [[nodiscard]] constexpr double memory_of(int worker) const noexcept {
        return memories.empty() ? memory : memories[static_cast<std::size_t>(worker)];
    }
};

/// Returns the cluster without a worker. The others keep their order and become workers 0 … n - 2.
[[nodiscard]] constexpr cluster without(cluster machines, int worker) {
    const int count = machines.workers();
    if (worker < 0 || worker >= count || count == 1)
        refuse("worker " + std::to_string(worker) + " cannot go (there are " + std::to_string(count) +
               ") name one of several");
    if (machines.speeds.empty()) machines.speeds.assign(static_cast<std::size_t>(count), 1.0);
    machines.speeds.erase(machines.speeds.begin() + worker);
    if (!machines.memories.empty()) machines.memories.erase(machines.memories.begin() + worker);
    return machines;
}

/// Returns the cluster with one more worker at its end.
[[nodiscard]] constexpr cluster with_another(cluster machines, double speed = 1) {
    if (!machines.memories.empty()) machines.memories.push_back(machines.memory);
    if (machines.speeds.empty()) machines.speeds.assign(static_cast<std::size_t>(machines.workers()), 1.0);
    machines.speeds.push_back(speed);
    return machines;
}

/// Returns the cluster with a worker at another speed.
[[nodiscard]] constexpr cluster at_speed(cluster machines, int worker, double speed) {
    const int count = machines.workers();
    if (worker < 0 || worker >= count || !(speed > 0))
        refuse("worker " + std::to_string(worker) + " cannot run at that speed (there are " + std::to_string(count) +
               ", speeds are above 0) name one of them");
    if (machines.speeds.empty()) machines.speeds.assign(static_cast<std::size_t>(count), 1.0);
    machines.speeds[static_cast<std::size_t>(worker)] = speed;
    return machines;
}

}  // namespace chimera
