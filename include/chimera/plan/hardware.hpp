// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>

#include <algorithm>
#include <limits>

namespace chimera {

/// A class of links: a message of L bytes takes latency + L / bandwidth.
struct link {
    double latency = 0;                                          ///< seconds
    double bandwidth = std::numeric_limits<double>::infinity();  ///< bytes per second

    constexpr double seconds(double bytes) const { return latency + bytes / bandwidth; }
    friend constexpr bool operator==(const link&, const link&) = default;
};

/// What a device and the software on it do, in the few numbers that are fitted or measured.
struct hardware {
    double flops = 1e12;                                                ///< FLOP/s that large matrix products sustain
    double memory_bandwidth = std::numeric_limits<double>::infinity();  ///< bytes/s of passes bound by memory
    double launch = 0;         ///< seconds a layer's forward takes at least to be issued, whatever its size
    double half_samples = 0;   ///< micro-batch at which products run at half speed: efficiency b / (b + half_samples)
    double step_overhead = 0;  ///< seconds per iteration beside all that is modelled
    double update_bandwidth = std::numeric_limits<double>::infinity();  ///< state bytes per second of the optimiser
    double overlap_slowdown = 1;  ///< by how much a reduction takes longer beside computation
    link inside;                  ///< between workers of one node
    link between;                 ///< between nodes, of one worker
    double node_bandwidth = std::numeric_limits<double>::infinity();  ///< bytes/s of all workers of a node together
};

/// Seconds that a layer takes for one micro-batch.
struct layer_seconds {
    double forward = 0;
    double input_gradient = 0;
    double weight_gradient = 0;
    double selective = 0;  ///< what a selective recompute adds to the backward
};

}  // namespace chimera
