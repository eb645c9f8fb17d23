// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer_chain.hpp>
#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/layer_sums.hpp>
#include <chimera/plan/prepared_order.hpp>
#include <chimera/plan/topology.hpp>
#include <chimera/simulate/costs.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace chimera {

/// The speed and memory of each position of a pipeline group: those of the slowest and of the smallest worker there.
struct positions {
    std::vector<double> speed;   ///< relative to the cluster's `each`
    std::vector<double> memory;  ///< bytes
};

/// A pool of workers sorted by speed, fastest first, so that slow ones share a position of different copies and slow
/// each other only. The fastest of the cluster are used, as many as a configuration needs.
class worker_pool {
public:
    /// Sorts the workers of a cluster; keeps no reference.
    explicit constexpr worker_pool(const cluster& machines)
        : memory_(machines.memory), alike_(machines.speeds.empty() && machines.memories.empty()) {
        if (alike_) return;
        std::vector<int> order(static_cast<std::size_t>(machines.workers()));
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
        std::stable_sort(order.begin(), order.end(),
                         [&](int a, int b) { return machines.speed(a) > machines.speed(b); });
        for (const int w : order) {
            speeds_.push_back(machines.speed(w));
            if (!machines.memories.empty()) memories_.push_back(machines.memory_of(w));
        }
    }

    /// Returns true if all workers are equal.
    [[nodiscard]] constexpr bool alike() const noexcept { return alike_; }
    /// Returns the positions of a group. Linear in the pipeline group's workers; in all workers if their memories
    /// differ.
    constexpr positions operator()(const configuration& choice) const {
        const auto count = static_cast<std::size_t>(choice.schedule.workers());
        positions out{std::vector<double>(count, 1.0), std::vector<double>(count, memory_)};
        const auto each = static_cast<std::size_t>(choice.width * choice.tensor);
        for (std::size_t p = 0; p < count && !alike_; ++p) {
            out.speed[p] = speeds_[(p + 1) * each - 1];
            if (memories_.empty()) continue;
            const auto from = memories_.begin() + static_cast<std::ptrdiff_t>(p * each);
            out.memory[p] = *std::min_element(from, from + static_cast<std::ptrdiff_t>(each));
        }
        return out;
    }

private:
    double memory_;
    bool alike_;
    std::vector<double> speeds_, memories_;
};

/// A configuration's stages in seconds and bytes.
struct stage_costs {
    costs seconds;                  ///< passes, transfers; reductions and updates are below
    std::vector<stage_sums> sums;   ///< of every stage
    std::vector<double> reduction;  ///< seconds over all who hold the stage; 0 where one does
    std::vector<double> update;     ///< seconds
    std::vector<double> received;   ///< bytes of a micro-batch's input; 0 for the first stage
    std::vector<int> replicas;      ///< workers that hold a stage's slice, over all copies
};

namespace detail {

/// Adds to the passes what ZeRO moves for each micro-batch: gathered weights before either pass (level 3), scattered
/// gradients behind a backward (levels 2 and 3). As with the reductions, nothing of it is hidden behind the stage's own
/// pass.
constexpr void add_sharded_traffic(double& forward, double& weight, int zero, double weights, double gradients, int r,
                                   const link_model& over) {
    if (zero < 2 || r <= 1) return;
    const auto moved = [&](double bytes) { return over.latency * log2_of(r) + (r - 1) * bytes / (over.bandwidth * r); };
    if (zero == 3) forward += moved(weights), weight += moved(weights);
    weight += moved(gradients);
}

/// Seconds of a stage's reduction at the end of an iteration, by ZeRO level.
constexpr double final_reduction(int zero, double gradients, double weights, int r, const link_model& over) {
    if (r <= 1 || zero == 3) return 0;
    if (zero == 2) return over.latency * log2_of(r) + (r - 1) * weights / (over.bandwidth * r);  // all-gather
    return reduction_seconds(gradients, r, over);
}

/// Collects the costs of one stage after the other; members are per stage, seconds of a micro-batch.
class stage_cost_lists {
public:
    stage_cost_lists(const model& network, const cluster& machines, const configuration& choice,
                     const layer_sums& layers, const prepared_order& order, const positions& at)
        : network_(network), machines_(machines), choice_(choice), layers_(layers), order_(order), at_(at),
          where_(machines, choice), stages_(static_cast<std::size_t>(choice.schedule.stages)), forward_(stages_),
          backward_(stages_), input_(stages_), weight_(stages_), again_(stages_),
          transfer_((std::max<std::size_t>)(1, stages_ - 1)) {
        out_.received.assign(stages_, 0.0);
    }

    stage_costs collect() {
        for (std::size_t s = 0; s < stages_; ++s) {
            add_passes(s);
            if (asynchronous(choice_.schedule.which)) spread_updates(s);
            backward_[s] = input_[s] + weight_[s];
            if (s > 0) add_transfer(s);
        }
        out_.seconds = {per_stage(forward_),  per_stage(backward_), per_stage(input_),
                        per_stage(weight_),   per_stage(again_),    per_stage(std::vector<double>{}),
                        per_stage(transfer_), reduce_cost{},        per_stage(0)};
        return std::move(out_);
    }

private:
    /// Adds the passes of stage s, its reduction and its update.
    void add_passes(std::size_t s) {
        const stage_sums sum = layers_.of(choice_.cuts[s], choice_.cuts[s + 1]);
        const auto holders = order_.holders(static_cast<int>(s));
        double speed = at_.speed[static_cast<std::size_t>(holders.front())];
        for (const std::int32_t w : holders) speed = (std::min)(speed, at_.speed[static_cast<std::size_t>(w)]);
        const recompute_mode mode = choice_.recompute_of(static_cast<int>(s));
        forward_[s] = sum.forward / speed;
        const double inside = mode == recompute_mode::full ? 0 : recomputed_seconds(sum, mode);  // of the backward
        input_[s] = (sum.input_gradient + inside) / speed;
        weight_[s] = sum.weight_gradient / speed;
        again_[s] = mode == recompute_mode::full ? forward_[s] : 0;
        const int r = choice_.width * static_cast<int>(holders.size());
        const link_model over = where_.among(holders);
        const auto& bytes = network_.bytes;
        const double gradients = sum.parameters * bytes.gradient, weights = sum.parameters * bytes.weight;
        add_sharded_traffic(forward_[s], weight_[s], choice_.zero, weights, gradients, r, over);
        out_.reduction.push_back(final_reduction(choice_.zero, gradients, weights, r, over));
        const double state = sum.parameters * (bytes.weight + bytes.gradient + bytes.optimiser);
        out_.update.push_back(update_seconds(choice_.zero > 0 ? state / r : state, machines_.each) / speed);
        out_.replicas.push_back(r);
        out_.sums.push_back(sum);
    }

    /// Charges an asynchronous family's reductions and updates to its passes: they come after every group, alone.
    void spread_updates(std::size_t s) {
        const family_spec& spec = choice_.schedule;
        const int every = spec.which == family::pipedream ? 1 : spec.update_every > 0 ? spec.update_every : spec.stages;
        weight_[s] += (out_.reduction[s] + out_.update[s]) / every;
        out_.reduction[s] = out_.update[s] = 0;
    }

    /// Adds the transfer over the boundary before stage s: the slowest of all pipelines'.
    void add_transfer(std::size_t s) {
        const int stage = static_cast<int>(s);
        const double bytes = layers_.boundary(choice_.cuts[s] - 1);
        out_.received[s] = bytes;
        double slowest = 0;
        for (int p = 0; p < order_.head().pipelines; ++p) {
            const int a = order_.view().worker_of(p, stage - 1), b = order_.view().worker_of(p, stage);
            if (a != b) slowest = (std::max)(slowest, where_.between(a, b).seconds(bytes / choice_.tensor));
        }
        const double blocked = slowest * (std::min)(1.0, machines_.each.blocking);  // the sender's own time
        transfer_[s - 1] = slowest - blocked;
        forward_[s - 1] += blocked;
        input_[s] += blocked;
        backward_[s] += blocked;
    }

    const model& network_;
    const cluster& machines_;
    const configuration& choice_;
    const layer_sums& layers_;
    const prepared_order& order_;
    const positions& at_;
    topology where_;
    std::size_t stages_;
    std::vector<double> forward_, backward_, input_, weight_, again_, transfer_;
    stage_costs out_;
};

}  // namespace detail

/// Returns the costs of a configuration's stages under the cuts given, on the positions given.
[[nodiscard]] inline stage_costs cost_stages(const model& network, const cluster& machines, const configuration& choice,
                                             const layer_sums& layers, const prepared_order& order,
                                             const positions& at) {
    return detail::stage_cost_lists(network, machines, choice, layers, order, at).collect();
}

}  // namespace chimera
