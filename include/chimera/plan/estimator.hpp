// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/plan/evaluate.hpp>
#include <chimera/schedule/placement.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera {

/// A family's order as a key of maps.
using order_key = std::array<int, 10>;
constexpr order_key key_of(const family_spec& of) {
    return {static_cast<int>(of.which), of.stages, of.micro_batches, of.pipelines, static_cast<int>(of.scale),
            of.split ? 1 : 0,           of.chunks, of.group,         of.waves,     of.update_every};
}

/// Orders that were generated before, by family, options, stages and micro-batches. They depend on no costs.
class order_cache {
public:
    prepared_family& operator()(const family_spec& of) {
        const order_key at = key_of(of);
        const auto found = made_.find(at);
        if (found != made_.end()) return found->second;
        slots_ += of.slot_count();
        return made_.emplace(at, prepared_family(of)).first->second;
    }
    /// Slots of all orders kept.
    std::size_t slots() const { return slots_; }

private:
    std::map<order_key, prepared_family> made_;
    std::size_t slots_ = 0;
};

/// Estimates configurations of one model on one cluster; what they share is computed once.
class estimator {
public:
    estimator(const model& of, const cluster& on, order_cache& orders) : of_(of), on_(on), orders_(orders), pool_(on) {}

    /// Seconds and bytes of an iteration. Cuts the model where the configuration does not.
    /// Throws `error` where the family cannot be built or the model has fewer layers than stages.
    evaluation operator()(configuration& with) {
        set(with, true);
        steps_.play();
        return steps_.time(on_, with);
    }

    /// The same in steps: memory, and costs where it fits or `always`; then `steps().play()` and `steps().time(…)`.
    evaluator& set(configuration& with, bool always = false) {
        prepared_family& order = orders_(with.schedule);
        if (with.cuts.empty()) with.cuts = cuts(with);
        steps_.set(of_, on_, with, layers(with.micro_batch, with.tensor), order, pool_(with), always);
        return steps_;
    }
    const evaluator& steps() const { return steps_; }
    /// What the positions of a pipeline group run on.
    positions place(const configuration& with) const { return pool_(with); }
    /// Memory alone, after `set`, of a configuration that differs in what is recomputed.
    evaluator& weigh(const configuration& with) {
        steps_.weigh(of_, with, orders_(with.schedule), pool_(with));
        return steps_;
    }

    /// The cut whose slowest stage is fastest, each at the speed of its slowest worker.
    const std::vector<int>& cuts(const configuration& with) {
        std::tuple at{with.schedule.stages, with.micro_batch, with.tensor, stage_speeds(with)};
        const auto found = cuts_.find(at);
        if (found != cuts_.end()) return found->second;
        const std::vector<double>& seconds = layers(with.micro_batch, with.tensor).compute();
        std::vector<device> on;
        for (const double speed : std::get<3>(at)) on.emplace_back().speed = speed;
        layer_needs needs;
        needs.seconds = seconds;
        std::vector<int> cuts = on.empty() ? partition(seconds, with.schedule.stages) : heterogeneous(needs, on).cuts;
        return cuts_.emplace(std::move(at), std::move(cuts)).first->second;
    }

    /// The layers at a micro-batch size and tensor width.
    const layer_sums& layers(int micro_batch, int tensor) {
        const auto found = sums_.find({micro_batch, tensor});
        if (found != sums_.end()) return found->second;
        return sums_.emplace(std::pair{micro_batch, tensor}, layer_sums(of_, on_.each, micro_batch, tensor))
            .first->second;
    }

private:
    /// Of every stage, its slowest worker's; empty where all are equal.
    std::vector<double> stage_speeds(const configuration& with) const {
        if (pool_.alike()) return {};
        const std::vector<double> at = pool_(with).speed;
        std::vector<double> out(static_cast<std::size_t>(with.schedule.stages), at.front());
        for (int p = 0; p < pipelines_of(with.schedule); ++p)
            for (int s = 0; s < with.schedule.stages; ++s) {
                double& speed = out[static_cast<std::size_t>(s)];
                speed = std::min(speed, at[static_cast<std::size_t>(worker_of(with.schedule, p, s))]);
            }
        if (std::all_of(out.begin(), out.end(), [&](double s) { return s == out.front(); })) out.clear();
        return out;
    }

    const model& of_;
    const cluster& on_;
    order_cache& orders_;
    worker_pool pool_;
    evaluator steps_;
    std::map<std::pair<int, int>, layer_sums> sums_;
    std::map<std::tuple<int, int, int, std::vector<double>>, std::vector<int>> cuts_;
};

}  // namespace chimera
