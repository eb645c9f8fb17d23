// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/stage_costs.hpp>

#include <algorithm>
#include <cstddef>

namespace chimera {

/// Bytes that a worker needs: state by ZeRO level, weight versions, the largest sum of activations that its order of slots
/// keeps at a time, and boundary tensors in flight.
class worker_memory {
public:
    double operator()(const model& of, const configuration& with, const prepared_order& order, int worker,
                      const stage_costs& cost, bool recomputes) {
        double fixed = 0;
        kept_.resize(static_cast<std::size_t>(with.schedule.stages));
        unfolded_.resize(kept_.size());
        for (const std::int32_t s : order.stages_of(worker)) {
            const auto i = static_cast<std::size_t>(s);
            fixed += state(of.bytes, with, cost.replicas[i], s) * cost.sums[i].parameters;
            fixed += 2 * cost.received[i] + 2 * (i + 1 < kept_.size() ? cost.received[i + 1] : 0.0);
            const recompute_mode mode = with.recompute_of(s);
            const double whole = cost.sums[i].activations;
            kept_[i] = mode == recompute_mode::full        ? cost.received[i]
                       : mode == recompute_mode::selective ? cost.sums[i].selective
                                                           : whole;
            unfolded_[i] = mode == recompute_mode::full ? whole : 0;
        }
        return fixed + peak(order.view().row(worker), order.head().micro_batch_parts, recomputes);
    }

private:
    static double state(const precision& bytes, const configuration& with, int r, int stage) {
        const double weight = with.zero >= 3 ? bytes.weight / r : bytes.weight;
        const double gradient = with.zero >= 2 ? bytes.gradient / r : bytes.gradient;
        const double optimiser = with.zero >= 1 ? bytes.optimiser / r : bytes.optimiser;
        const int versions = with.schedule.which == family::pipedream_2bw ? 2
                             : with.schedule.which == family::pipedream
                                 ? std::min(with.schedule.stages - stage, with.schedule.micro_batches)
                                 : 1;
        return weight * versions + gradient + optimiser;
    }

    double peak(std::span<const slot> row, int parts, bool recomputes) const {
        double live = 0;
        double most = 0;
        for (const slot& s : row) {
            if (s.op == pass::forward) {
                live += kept_[s.stage] * s.count;
                most = std::max(most, live);
            } else if (ends_activation(s.op)) {
                live -= (kept_[s.stage] + unfolded_[s.stage]) * s.count;
            } else if (recomputes && s.op == pass::recompute) {
                live += unfolded_[s.stage] * s.count;
                most = std::max(most, live);
            }
        }
        return most / parts;
    }

    std::vector<double> kept_, unfolded_;
};

}  // namespace chimera
