// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/plan/hardware.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace chimera {

/// The workers there are: alike but for what `speeds` and `memories` say.
struct cluster {
    int nodes = 1;
    int workers_per_node = 1;
    double memory = std::numeric_limits<double>::infinity();  ///< bytes a worker
    hardware each{};
    std::vector<double> speeds{};    ///< of every worker, relative to `each`; empty: all 1
    std::vector<double> memories{};  ///< bytes of every worker; empty: all `memory`

    friend constexpr bool operator==(const cluster&, const cluster&) = default;
    constexpr int workers() const {
        return speeds.empty() ? nodes * workers_per_node : static_cast<int>(speeds.size());
    }
    constexpr double speed(int worker) const { return speeds.empty() ? 1 : speeds[static_cast<std::size_t>(worker)]; }
    constexpr double memory_of(int worker) const {
        return memories.empty() ? memory : memories[static_cast<std::size_t>(worker)];
    }
};

/// The cluster without a worker. What is left are workers 0 … n - 2, in the same order.
constexpr cluster without(cluster of, int worker) {
    const int count = of.workers();
    if (worker < 0 || worker >= count || count == 1)
        refuse("worker " + std::to_string(worker) + " cannot go (there are " + std::to_string(count) +
               ") name one of several");
    if (of.speeds.empty()) of.speeds.assign(static_cast<std::size_t>(count), 1.0);
    of.speeds.erase(of.speeds.begin() + worker);
    if (!of.memories.empty()) of.memories.erase(of.memories.begin() + worker);
    return of;
}

/// The cluster with one more worker at its end.
constexpr cluster with_another(cluster of, double speed = 1) {
    if (!of.memories.empty()) of.memories.push_back(of.memory);
    if (of.speeds.empty()) of.speeds.assign(static_cast<std::size_t>(of.workers()), 1.0);
    of.speeds.push_back(speed);
    return of;
}

/// The cluster with a worker at another speed.
constexpr cluster at_speed(cluster of, int worker, double speed) {
    const int count = of.workers();
    if (worker < 0 || worker >= count || !(speed > 0))
        refuse("worker " + std::to_string(worker) + " cannot run at that speed (there are " + std::to_string(count) +
               ", speeds are above 0) name one of them");
    if (of.speeds.empty()) of.speeds.assign(static_cast<std::size_t>(count), 1.0);
    of.speeds[static_cast<std::size_t>(worker)] = speed;
    return of;
}

}  // namespace chimera
