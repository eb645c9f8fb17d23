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
    std::vector<double> speed;
    std::vector<double> memory;  ///< bytes
};

/// A pool of workers sorted by speed, fastest first, so that slow ones share a position of different copies and slow
/// each other only. The fastest of the cluster are used, as many as a configuration needs.
class worker_pool {
public:
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

}  // namespace detail

/// Returns the costs of a configuration's stages under the cuts given, on the positions given.
[[nodiscard]] inline stage_costs cost_stages(const model& network, const cluster& machines, const configuration& choice,
                                             const layer_sums& layers, const prepared_order& order,
                                             const positions& at) {
    const auto stages = static_cast<std::size_t>(choice.schedule.stages);
    const topology where(machines, choice);
    stage_costs out;
    std::vector<double> forward(stages), backward(stages), input(stages), weight(stages), again(stages),
        transfer((std::max<std::size_t>)(1, stages - 1));
    out.received.assign(stages, 0.0);
    for (std::size_t s = 0; s < stages; ++s) {
        const int stage = static_cast<int>(s);
        const stage_sums sum = layers.of(choice.cuts[s], choice.cuts[s + 1]);
        const auto holders = order.holders(stage);
        double speed = at.speed[static_cast<std::size_t>(holders.front())];
        for (const std::int32_t w : holders) speed = (std::min)(speed, at.speed[static_cast<std::size_t>(w)]);
        const recompute_mode mode = choice.recompute_of(stage);
        forward[s] = sum.forward / speed;
        input[s] = (sum.input_gradient + (mode == recompute_mode::selective ? sum.selective_time : 0)) / speed;
        weight[s] = sum.weight_gradient / speed;
        again[s] = mode == recompute_mode::full ? forward[s] : 0;
        const int r = choice.width * static_cast<int>(holders.size());
        const link_model over = where.among(holders);
        const double gradients = sum.parameters * network.bytes.gradient,
                     weights = sum.parameters * network.bytes.weight;
        detail::add_sharded_traffic(forward[s], weight[s], choice.zero, weights, gradients, r, over);
        out.reduction.push_back(detail::final_reduction(choice.zero, gradients, weights, r, over));
        const double state = sum.parameters * (network.bytes.weight + network.bytes.gradient + network.bytes.optimiser);
        out.update.push_back(update_seconds(choice.zero > 0 ? state / r : state, machines.each) / speed);
        if (asynchronous(choice.schedule.which)) {  // reduced and updated after every group, nothing beside it
            const int every = choice.schedule.which == family::pipedream ? 1
                              : choice.schedule.update_every > 0         ? choice.schedule.update_every
                                                                         : choice.schedule.stages;
            weight[s] += (out.reduction[s] + out.update[s]) / every;
            out.reduction[s] = out.update[s] = 0;
        }
        backward[s] = input[s] + weight[s];
        out.replicas.push_back(r);
        out.sums.push_back(sum);
        if (s == 0) continue;
        const double bytes = layers.boundary(choice.cuts[s] - 1);
        out.received[s] = bytes;
        double slowest = 0;
        for (int p = 0; p < order.head().pipelines; ++p) {
            const int a = order.view().worker_of(p, stage - 1), b = order.view().worker_of(p, stage);
            if (a != b) slowest = (std::max)(slowest, where.between(a, b).seconds(bytes / choice.tensor));
        }
        const double blocked = slowest * (std::min)(1.0, machines.each.blocking);  // the sender's own time
        transfer[s - 1] = slowest - blocked;
        forward[s - 1] += blocked;
        input[s] += blocked;
        backward[s] += blocked;
    }
    out.seconds = {per_stage(forward),  per_stage(backward), per_stage(input),
                   per_stage(weight),   per_stage(again),    per_stage(std::vector<double>{}),
                   per_stage(transfer), reduce_cost{},       per_stage(0)};
    return out;
}

}  // namespace chimera
