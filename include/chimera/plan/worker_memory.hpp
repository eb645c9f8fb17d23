// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/memory.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/prepared.hpp>

#include <cstddef>
#include <vector>

namespace chimera {

/// Bytes that each worker of a configuration needs, by its order's real peak.
class worker_memory {
public:
    /// Sums over the layers of every stage. `with` must have its cuts.
    void measure(const model& of, const configuration& with, const shape& head) {
        const double unit = static_cast<double>(with.micro_batch) / head.micro_batch_parts;
        bytes_ = bytes_of(of, with.cuts, unit, with.tensor);
    }
    /// What is recomputed and sharded, after `measure`. `head` and the holders are those of the order.
    void choose(const model& of, const configuration& with, const prepared_order& order) {
        stages_.clear();
        for (int s = 0; s < with.schedule.stages; ++s)
            stages_.push_back(memory_of(bytes_[static_cast<std::size_t>(s)], of.bytes, with.recompute_of(s), with.zero,
                                        with.width * static_cast<int>(order.holders(s).size()),
                                        weight_versions(order.head(), s)));
    }
    /// Linear in the worker's slots.
    double operator()(const prepared_order& order, int worker) const {
        return memory_peak(order.view().row(worker), stages_, order.stages_of(worker));
    }
    const stage_bytes& of(std::size_t stage) const { return bytes_[stage]; }

private:
    std::vector<stage_bytes> bytes_;
    std::vector<stage_memory> stages_;
};

}  // namespace chimera
