// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/plan/evaluate.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace chimera {

/// One measured iteration.
struct measurement {
    std::string name;          ///< as reports show it
    std::size_t model = 0;     ///< index into the models it belongs to
    configuration with;        ///< without cuts: blocks spread evenly
    int nodes = 1;             ///< nodes of its cluster
    int workers_per_node = 1;  ///< workers of a node
    double seconds = 0;        ///< of the iteration, measured
    bool rate = false;         ///< measured was samples per second: errors are relative to that
};

/// Returns true if two measurements are of one configuration: a fit that saw one has seen the other.
[[nodiscard]] inline bool same_run(const measurement& a, const measurement& b) {
    const configuration &x = a.with, &y = b.with;
    return a.model == b.model && a.nodes == b.nodes && a.workers_per_node == b.workers_per_node &&
           x.schedule == y.schedule && x.width == y.width && x.tensor == y.tensor &&
           x.sequence_parallel == y.sequence_parallel && x.micro_batch == y.micro_batch &&
           x.synchronisation == y.synchronisation && x.recompute == y.recompute && x.zero == y.zero &&
           x.order == y.order;
}

/// Returns cuts that spread the blocks evenly; the first stages take the remainder. An embedding goes with the block
/// behind it, a head with the block before it. The default partition of a measurement that states none.
[[nodiscard]] inline std::vector<int> even_cuts(const model& network, int stages) {
    const auto count = static_cast<int>(network.layers.size());
    const auto end = [](const layer& l) { return l.kind == layer_kind::embedding || l.kind == layer_kind::head; };
    int blocks = 0;
    for (const layer& l : network.layers) blocks += end(l) ? 0 : 1;
    if (stages < 1 || blocks < stages)
        refuse(std::string(network.name.view()) + " has " + std::to_string(blocks) + " blocks (each of " +
               std::to_string(stages) + " stages needs one) use fewer stages");
    std::vector<int> cuts{0};
    int seen = 0;
    for (int i = 0; i < count; ++i) {
        const auto s = static_cast<int>(cuts.size());  // the stage that would begin here
        const int before = s * (blocks / stages) + (std::min)(s, blocks % stages);
        const layer& here = network.layers[static_cast<std::size_t>(i)];
        if (s < stages && seen == before && here.kind != layer_kind::head) cuts.push_back(i);
        seen += end(here) ? 0 : 1;
    }
    cuts.push_back(count);
    return cuts;
}

/// Predicts measurements by simulation, as the planner does. Orders are built once, whatever the hardware.
class predictor {
public:
    /// Takes models and measurements over, and builds the order of each row. Throws `chimera_error` if a family cannot
    /// be built or a model has too few blocks for its stages.
    predictor(std::vector<model> models, std::vector<measurement> rows)
        : models_(std::move(models)), rows_(std::move(rows)) {
        for (measurement& r : rows_) {
            if (r.with.cuts.empty()) r.with.cuts = even_cuts(models_[r.model], r.with.schedule.stages);
            families_.push_back(order_of(r.with.schedule));
        }
    }

    /// Returns the measurements, with their cuts.
    [[nodiscard]] const std::vector<measurement>& rows() const noexcept { return rows_; }
    /// Returns the model of a measurement.
    [[nodiscard]] const model& model_of(const measurement& row) const { return models_[row.model]; }
    /// Returns the number of measurements.
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

    /// Returns the seconds of row i's iteration on that hardware.
    double seconds(std::size_t i, const hardware& platform) { return seconds(i, platform, rows_[i].with); }
    /// Returns the seconds of row i with another synchronisation or recomputation of its order.
    double seconds(std::size_t i, const hardware& platform, const configuration& choice) {
        const measurement& r = rows_[i];
        const model& of = models_[r.model];
        cluster machines;
        machines.nodes = r.nodes;
        machines.workers_per_node = r.workers_per_node;
        machines.each = platform;
        const layer_sums& layers = layers_of(r, machines, choice);
        const auto count = static_cast<std::size_t>(choice.schedule.workers());
        const positions alike{std::vector<double>(count, 1.0), std::vector<double>(count, machines.memory)};
        evaluate_.set(of, machines, choice, layers, *families_[i], alike, true);
        evaluate_.play();
        return evaluate_.time(machines, choice).seconds;
    }
    /// Returns predicted / measured - 1 in the measured quantity (seconds or samples per second).
    double error(std::size_t i, const hardware& platform) {
        const double predicted = seconds(i, platform);
        return rows_[i].rate ? rows_[i].seconds / predicted - 1 : predicted / rows_[i].seconds - 1;
    }

private:
    std::shared_ptr<prepared_family> order_of(const family_spec& spec) {
        for (std::size_t k = 0; k < families_.size(); ++k)
            if (rows_[k].with.schedule == spec) return families_[k];
        return std::make_shared<prepared_family>(spec);
    }

    /// The layers of a row; rows of one hardware share them.
    const layer_sums& layers_of(const measurement& row, const cluster& machines, const configuration& choice) {
        if (!(on_ == machines.each)) sums_.clear(), on_ = machines.each;
        const std::tuple at{row.model, choice.micro_batch, choice.slices(), row.nodes, row.workers_per_node};
        const auto found = sums_.find(at);
        if (found != sums_.end()) return found->second;
        const tensor_group group = tensor_group_of(machines, choice.slices());
        return sums_.emplace(at, layer_sums(models_[row.model], machines.each, choice.micro_batch, group))
            .first->second;
    }

    std::vector<model> models_;
    std::vector<measurement> rows_;
    hardware on_;
    std::map<std::tuple<std::size_t, int, slicing, int, int>, layer_sums> sums_;
    std::vector<std::shared_ptr<prepared_family>> families_;
    evaluator evaluate_;
};

}  // namespace chimera
