// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/local_search.hpp>
#include <chimera/plan/evaluate.hpp>
#include <chimera/plan/layer_requirements.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera {

/// A family's order as a key of maps: all that an order depends on.
using order_key = std::array<int, 3 + family_option_table.size()>;
/// The key of the order that a family's spec makes.
constexpr order_key key_of(const family_spec& of) {
    order_key out{static_cast<int>(of.which), of.stages, of.micro_batches};
    std::size_t at = 3;
    each_option([&](const family_option&, const auto& value) { out[at++] = static_cast<int>(value); }, of);
    return out;
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
    std::size_t slot_total() const { return slots_; }

private:
    std::map<order_key, prepared_family> made_;
    std::size_t slots_ = 0;
};

/// Estimates configurations of one model on one cluster; what they share is computed once.
class estimator {
public:
    estimator(const model& of, const cluster& on, order_cache& orders) : of_(of), on_(on), orders_(orders), pool_(on) {}

    /// Seconds and bytes of an iteration. Cuts the model where the configuration does not.
    /// Throws `chimera_error` where the family cannot be built or the model has fewer layers than stages.
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
    evaluator& steps() { return steps_; }
    const precision& bytes() const { return of_.bytes; }
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

    /// Cuts to choose from whatever the memory: that one, and where workers hold several stages and another cut makes the slowest
    /// worker faster, that other.
    std::vector<std::vector<int>> choices(const configuration& with) {
        std::vector<std::vector<int>> out{cuts(with)};
        const std::vector<int> on = shared_workers(with.schedule);
        if (on.empty() || !stage_speeds(with).empty()) return out;
        const std::vector<double>& seconds = layers(with.micro_batch, with.tensor).compute();
        const double now = detail::slowest_worker(seconds, on, out.front());
        const std::vector<int>& other = shifted(with.schedule.stages, on);
        if (detail::slowest_worker(seconds, on, other) < now * (1 - 1e-9)) out.push_back(other);
        return out;
    }

    /// After a `set` in which memory did not suffice: `set` anew with a cut under which it does, its slowest stage as fast as that lets
    /// it. False where none is found, and for placements that even memory out by themselves: those with several stages a worker.
    /// What stages need beside their layers' sums is learnt from cuts that lack it.
    bool cut_within(configuration& with) {
        if (!one_stage_each(with.schedule) || with.recompute == recompute_mode::mixed) return false;
        const cut_needs needs = needs_of(of_, with, steps_.order(), layers(with.micro_batch, with.tensor));
        const positions at = pool_(with);
        std::vector<device> on;
        for (std::size_t s = 0; s < at.speed.size(); ++s) on.push_back({at.speed[s], at.memory[s], 0});
        for (int attempt = 0; attempt < 16; ++attempt) {
            with.cuts = heterogeneous(needs.view(), on).cuts;
            if (with.cuts.empty()) return false;
            if (set(with).fits()) return true;
            for (std::size_t s = 0; s < on.size(); ++s)
                on[s].capacity = std::max(0.0, on[s].capacity - std::max(0.0, steps_.lacking(static_cast<int>(s))));
        }
        return false;
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

    /// The best cut for shared workers, at the smallest micro-batch: what is best hardly depends on its size.
    const std::vector<int>& shifted(int stages, const std::vector<int>& on) {
        const auto found = shifted_.find(on);
        if (found != shifted_.end()) return found->second;
        const std::vector<double>& seconds = layers(1, 1).compute();
        return shifted_.emplace(on, shift_layers(seconds, on, partition(seconds, stages))).first->second;
    }

    const model& of_;
    const cluster& on_;
    order_cache& orders_;
    worker_pool pool_;
    evaluator steps_;
    std::map<std::pair<int, int>, layer_sums> sums_;
    std::map<std::tuple<int, int, int, std::vector<double>>, std::vector<int>> cuts_;
    std::map<std::vector<int>, std::vector<int>> shifted_;  // by the stages' workers
};

}  // namespace chimera
