// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>

#include <algorithm>
#include <span>

namespace chimera {

/// The places of a configuration's workers in the cluster: the slices of a layer next to each other, then the copies of
/// a stage (or the stages of a copy, where `layout` says so), node after node.
class topology {
public:
    /// Takes the cluster by reference: it must outlive this object.
    constexpr topology(const cluster& machines, const configuration& choice)
        : of_(machines), width_(choice.width), tensor_(choice.tensor), pipeline_(choice.schedule.workers()),
          order_(choice.order) {}

    /// Returns the node of a worker of a copy, 0 … nodes - 1.
    [[nodiscard]] constexpr int node_of(int copy, int worker) const {
        const int place = order_ == layout::stages_together ? copy * pipeline_ + worker : worker * width_ + copy;
        return place * tensor_ / of_.workers_per_node;
    }
    /// Returns the link between two workers of the pipeline group: the slowest of any copy.
    [[nodiscard]] constexpr link_model between(int a, int b) const {
        if (of_.nodes == 1) return of_.each.inside;
        // The set of neighbours in a node repeats after workers_per_node copies at the latest.
        for (int k = 0; k < (std::min)(width_, of_.workers_per_node); ++k)
            if (node_of(k, a) != node_of(k, b)) return shared(1);
        return of_.each.inside;
    }
    /// Returns the link that bounds a reduction over all copies of the given workers (ascending).
    [[nodiscard]] constexpr link_model among(std::span<const std::int32_t> workers) const {
        link_model inside = of_.each.inside;
        inside.bandwidth *= of_.each.collective;
        if (of_.nodes == 1) return inside;
        if (of_.workers_per_node == 1) return shared(1, of_.each.collective);
        const int node = node_of(0, workers.front());
        int together = 0;
        for (const std::int32_t w : workers) together += copies_in(node, w);
        if (together == width_ * static_cast<int>(workers.size())) return inside;
        return shared(together, of_.each.collective);
    }

private:
    /// Copies of a worker that stand in the node.
    constexpr int copies_in(int node, int worker) const {
        const int from = (node * of_.workers_per_node + tensor_ - 1) / tensor_;  // first place that begins there
        const int to = ((node + 1) * of_.workers_per_node + tensor_ - 1) / tensor_;
        const auto below = [&](int place) {  // copies at smaller places
            const int count = order_ == layout::stages_together ? (place - worker + pipeline_ - 1) / pipeline_
                                                                : place - worker * width_;
            return std::clamp(count, 0, width_);
        };
        return below(to) - below(from);
    }
    /// Returns the share of a node's network that one of the groups leaving it at the same time has, `together` workers
    /// to a group, each with a link of its own: rings of a collective leave the node at all of them (365 GB/s over
    /// 4 × 8 H200 with 50 GB/s each, https://github.com/stas00/ml-engineering/tree/744d01e/network). `speed`: of
    /// what they do, relative to messages.
    constexpr link_model shared(int together, double speed = 1) const {
        link_model out = of_.each.between;
        const int links = (std::max)(1, together);
        const double groups = (std::max)(1.0, static_cast<double>(of_.workers_per_node) / links);
        out.bandwidth = (std::min)(out.bandwidth * speed * links, of_.each.node_bandwidth / groups);
        return out;
    }

    const cluster& of_;
    int width_, tensor_, pipeline_;
    layout order_;
};

}  // namespace chimera
