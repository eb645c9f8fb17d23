// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/slicing.hpp>
#include <chimera/plan/cluster.hpp>

#include <algorithm>
#include <limits>

namespace chimera {

/// The workers that share a layer, each with a slice of it, and where they are: `nodes` that the group spans, and the
/// fewest of its slices that a node has.
struct tensor_group {
    int slices = 1;                                            ///< workers that share a layer
    int nodes = 1;                                             ///< nodes that they stand in
    int together = 1;                                          ///< fewest of them in a node
    double network = std::numeric_limits<double>::infinity();  ///< bytes/s of a slice while all of its node send
    bool sequences = false;                                    ///< sequence parallelism

    /// Makes the group of slices in one node.
    constexpr tensor_group(const slicing& shared) noexcept  // NOLINT: a number of slices is a group
        : slices(shared.width), together(shared.width), sequences(shared.sequences) {}
    constexpr tensor_group(int count) noexcept : tensor_group(slicing(count)) {}  // NOLINT: likewise
    /// Makes a group of `count` slices over `across` nodes, at least `fewest` in each; `bandwidth`: bytes/s of a slice.
    constexpr tensor_group(int count, int across, int fewest, double bandwidth) noexcept
        : slices(count), nodes(across), together(fewest), network(bandwidth) {}
};

/// Returns how the slices of a layer stand in the cluster: next to each other, node after node. Of groups that stand
/// differently, as where a node's workers are no multiple of the slices, the one whose collectives take longest.
[[nodiscard]] constexpr tensor_group tensor_group_of(const cluster& machines, const slicing& shared) noexcept {
    const int each = machines.workers_per_node, slices = shared.width;
    tensor_group out(shared);
    if (machines.nodes == 1 || slices == 1) return out;
    double longest = 0;
    // Groups stand as `each` groups before them did; those beyond the cluster's end do not exist.
    for (int group = 0; group < each && (group + 1) * slices <= machines.workers(); ++group) {
        const int from = group * slices, last = from + slices - 1;
        const int nodes = last / each - from / each + 1;
        if (nodes == 1) continue;
        const int fewest = (std::min)(each - from % each, last % each + 1);
        const double share = (nodes - 1.0) / nodes / fewest;
        if (share <= longest) continue;
        longest = share;
        out = {slices, nodes, fewest,
               (std::min)(machines.each.between.bandwidth * machines.each.collective,
                          machines.each.node_bandwidth / each)};
        out.sequences = shared.sequences;
    }
    return out;
}

}  // namespace chimera
