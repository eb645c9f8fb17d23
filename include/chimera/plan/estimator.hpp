// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/local_search.hpp>
#include <chimera/plan/evaluate.hpp>
#include <chimera/plan/first_units.hpp>
#include <chimera/plan/layer_requirements.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera {

/// A family's order as a key of maps: all that an order depends on.
using order_key = std::array<int, 3 + family_option_table.size()>;
/// Returns the key of the order that a family's spec makes.
[[nodiscard]] constexpr order_key key_of(const family_spec& spec) {
    order_key out{static_cast<int>(spec.which), spec.stages, spec.micro_batches};
    std::size_t at = 3;
    each_option([&](const family_option&, const auto& value) { out[at++] = static_cast<int>(value); }, spec);
    return out;
}

/// A cache of generated orders, by family, options, stages and micro-batches. They depend on no costs. Those used last
/// stay: at least `kept_least`, and more while they have at most so many slots in all.
class order_cache {
public:
    static constexpr std::size_t kept_least = 4;  ///< orders that stay however large they are

    /// Makes an empty cache. `slots_most`: slots of all orders together, 16 bytes each.
    explicit order_cache(std::size_t slots_most = std::size_t{1} << 24) : slots_most_(slots_most) {}

    /// Returns the order of a spec, made at its first use. Valid until another call, which may drop it. Throws
    /// `chimera_error` if the family cannot be built.
    prepared_family& operator()(const family_spec& spec) {
        const order_key at = key_of(spec);
        const auto found = made_.find(at);
        if (found != made_.end()) return used(found->second);
        const auto size = static_cast<std::size_t>(spec.slot_count());
        while (made_.size() >= kept_least && slots_ + size > slots_most_) drop_oldest();
        slots_ += size;
        return used(made_.emplace(at, entry{prepared_family(spec), size}).first->second);
    }
    /// Returns the number of slots of all cached orders.
    [[nodiscard]] std::size_t slot_total() const noexcept { return slots_; }

private:
    struct entry {
        prepared_family made;
        std::size_t size = 0;
        std::uint64_t turn = 0;  // the larger, the later it was used
    };
    prepared_family& used(entry& one) {
        one.turn = ++turns_;
        return one.made;
    }
    void drop_oldest() {
        const auto oldest = std::min_element(
            made_.begin(), made_.end(), [](const auto& a, const auto& b) { return a.second.turn < b.second.turn; });
        slots_ -= oldest->second.size;
        made_.erase(oldest);
    }

    std::map<order_key, entry> made_;
    std::size_t slots_most_;
    std::size_t slots_ = 0;
    std::uint64_t turns_ = 0;
};

/// Estimates configurations of one model on one cluster; caches shared results.
class estimator {
public:
    /// Takes the model, the cluster and the cache by reference: all must outlive the estimator.
    estimator(const model& network, const cluster& machines, order_cache& orders)
        : of_(network), on_(machines), orders_(orders), pool_(machines) {}

    /// Returns the seconds and bytes of an iteration. Cuts the model if the configuration has no cuts. Throws
    /// `chimera_error` if the family cannot be built or the model has fewer layers than stages.
    evaluation operator()(configuration& choice) {
        set(choice, true);
        steps_.play();
        return steps_.time(on_, choice);
    }

    /// Starts an evaluation in steps: computes memory, and costs if it fits or `always`. Continue with `steps().play()`
    /// and `steps().time(…)`.
    evaluator& set(configuration& choice, bool always = false) {
        prepared_family& order = orders_(choice.schedule);
        if (choice.cuts.empty()) choice.cuts = cuts(choice);
        steps_.set(of_, on_, choice, layers(choice), order, pool_(choice), always);
        return steps_;
    }
    /// Returns the evaluation that `set` started.
    [[nodiscard]] const evaluator& steps() const noexcept { return steps_; }
    evaluator& steps() { return steps_; }
    /// Returns the model's precision.
    [[nodiscard]] const precision& bytes() const noexcept { return of_.bytes; }
    /// Returns the speed and memory of each position of a pipeline group.
    [[nodiscard]] positions place(const configuration& choice) const { return pool_(choice); }
    /// Computes memory alone. `choice` must have its cuts.
    const evaluator& weigh_anew(const configuration& choice) {
        steps_.weigh_anew(of_, choice, orders_(choice.schedule), pool_(choice));
        return steps_;
    }
    /// Computes memory alone, after `set`, for a configuration that differs in recompute only.
    evaluator& weigh(const configuration& choice) {
        steps_.weigh(of_, choice, orders_(choice.schedule), pool_(choice));
        return steps_;
    }

    /// Computes the memory of an order's first units, which need no more than the order; null where none are known.
    /// `choice` must have its cuts.
    const evaluator* weigh_first_units(const configuration& choice) {
        const std::optional<family_spec> unit = detail::first_units(choice.schedule);
        if (!unit) return nullptr;
        first_.weigh_anew(of_, choice, orders_(*unit), pool_(choice));
        return &first_;
    }

    /// The cut whose slowest stage is fastest, each at the speed of its slowest worker.
    const std::vector<int>& cuts(const configuration& choice) {
        std::tuple at{choice.schedule.stages, choice.micro_batch, choice.slices(), stage_speeds(choice)};
        const auto found = cuts_.find(at);
        if (found != cuts_.end()) return found->second;
        const std::vector<double>& seconds = layers(choice).compute();
        std::vector<device> on;
        for (const double speed : std::get<3>(at)) on.emplace_back().speed = speed;
        layer_needs needs;
        needs.seconds = seconds;
        std::vector<int> cuts = on.empty() ? partition(seconds, choice.schedule.stages) : heterogeneous(needs, on).cuts;
        return cuts_.emplace(std::move(at), std::move(cuts)).first->second;
    }

    /// Returns the cuts to choose from, regardless of memory: the balanced one, and another one if workers hold several
    /// stages and it makes the slowest worker faster.
    std::vector<std::vector<int>> choices(const configuration& choice) {
        std::vector<std::vector<int>> out{cuts(choice)};
        const std::vector<int> on = shared_workers(choice.schedule);
        if (on.empty() || !stage_speeds(choice).empty()) return out;
        const std::vector<double>& seconds = layers(choice).compute();
        const double now = detail::slowest_worker(seconds, on, out.front());
        const std::vector<int>& other = shifted(choice.schedule.stages, on);
        if (detail::slowest_worker(seconds, on, other) < now * (1 - 1e-9)) out.push_back(other);
        return out;
    }

    /// Repeats a `set` that did not fit in memory with the fastest cut that fits. Returns false if none is found, and
    /// for families with several stages a worker, whose placement evens memory out already. Learns needs beside the
    /// layers' sums from cuts that lack memory.
    bool cut_within(configuration& choice) {
        if (!one_stage_each(choice.schedule) || choice.recompute == recompute_mode::mixed) return false;
        const cut_needs needs = needs_of(of_, choice, steps_.order(), layers(choice));
        const positions at = pool_(choice);
        std::vector<device> on;
        for (std::size_t s = 0; s < at.speed.size(); ++s) on.push_back({at.speed[s], at.memory[s], 0});
        for (int attempt = 0; attempt < 16; ++attempt) {
            choice.cuts = heterogeneous(needs.view(), on).cuts;
            if (choice.cuts.empty()) return false;
            if (set(choice).fits()) return true;
            for (std::size_t s = 0; s < on.size(); ++s)
                on[s].capacity = (std::max)(0.0, on[s].capacity - (std::max)(0.0, steps_.lacking(static_cast<int>(s))));
        }
        return false;
    }

    /// The layers at a configuration's micro-batch size and slices.
    const layer_sums& layers(const configuration& choice) { return layers(choice.micro_batch, choice.slices()); }
    const layer_sums& layers(int micro_batch, const slicing& slices) {
        const auto found = sums_.find({micro_batch, slices});
        if (found != sums_.end()) return found->second;
        return sums_
            .emplace(std::pair{micro_batch, slices},
                     layer_sums(of_, on_.each, micro_batch, tensor_group_of(on_, slices)))
            .first->second;
    }

private:
    /// Of every stage, its slowest worker's; empty where all are equal.
    std::vector<double> stage_speeds(const configuration& choice) const {
        if (pool_.alike()) return {};
        const std::vector<double> at = pool_(choice).speed;
        std::vector<double> out(static_cast<std::size_t>(choice.schedule.stages), at.front());
        const stage_placement worker_at(choice.schedule);
        for (int p = 0; p < worker_at.pipelines(); ++p)
            for (int s = 0; s < choice.schedule.stages; ++s) {
                double& speed = out[static_cast<std::size_t>(s)];
                speed = (std::min)(speed, at[static_cast<std::size_t>(worker_at(p, s))]);
            }
        if (std::all_of(out.begin(), out.end(), [&](double s) { return s == out.front(); })) out.clear();
        return out;
    }

    /// The best cut for shared workers, at the smallest micro-batch: what is best hardly depends on its size.
    const std::vector<int>& shifted(int stages, const std::vector<int>& holders) {
        const auto found = shifted_.find(holders);
        if (found != shifted_.end()) return found->second;
        const std::vector<double>& seconds = layers(1, {}).compute();
        return shifted_.emplace(holders, shift_layers(seconds, holders, partition(seconds, stages))).first->second;
    }

    const model& of_;
    const cluster& on_;
    order_cache& orders_;
    worker_pool pool_;
    evaluator steps_, first_;
    std::map<std::pair<int, slicing>, layer_sums> sums_;
    std::map<std::tuple<int, int, slicing, std::vector<double>>, std::vector<int>> cuts_;
    std::map<std::vector<int>, std::vector<int>> shifted_;  // by the stages' workers
};

}  // namespace chimera
