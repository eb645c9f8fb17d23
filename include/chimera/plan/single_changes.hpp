// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/candidates.hpp>
#include <chimera/plan/estimator.hpp>
#include <chimera/plan/recompute_until_fit.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera {

/// A configuration that differs from a given one in one respect, and what it takes.
struct single_change {
    std::string what;    ///< "micro-batch 4"
    configuration with;  ///< changed configuration, its cuts included
    evaluation found;    ///< its seconds and bytes
};

namespace detail {

/// Tries what one change each makes of a configuration; keeps the best that fits of each kind.
class change_search {
public:
    change_search(const model& network, const cluster& machines, const plan_request& asked, const configuration& given,
                  order_cache& orders)
        : asked_(asked), given_(given), estimate_(network, machines, orders), samples_(given.samples()),
          layers_(static_cast<int>(network.layers.size())) {}

    std::vector<single_change> run() {
        families();
        stages();
        slices();
        micro_batches();
        modes();
        std::sort(out_.begin(), out_.end(),
                  [](const single_change& a, const single_change& b) { return a.found.seconds < b.found.seconds; });
        return std::move(out_);
    }

private:
    void families() {
        begin();
        for (std::size_t i = 0; i < family_labels.size(); ++i) {
            const auto which = static_cast<family>(i);
            if (asynchronous(which) && !asynchronous(given_.schedule.which)) continue;
            for (const family_spec& spec :
                 variants(which, given_.schedule.workers(), given_.schedule.micro_batches, layers_)) {
                configuration one = given_;
                one.schedule = spec;
                if (!(spec == given_.schedule)) attempt(one, "family " + label_of(spec));
            }
        }
        end();
    }
    /// Pipelines of other depths, with as many copies as the same workers allow.
    void stages() {
        begin();
        const int places = given_.schedule.workers() * given_.width;
        for (const int workers : pipeline_sizes(places, layers_, asked_.most_stages))
            if (places % workers == 0 && workers != given_.schedule.workers())
                attempt_shape(workers, given_.tensor, places / workers,
                              std::to_string(workers) + " workers a pipeline");
        end();
    }
    void slices() {
        begin();
        const int places = given_.tensor * given_.width;
        for (const int tensor : asked_.tensors)
            if (places % tensor == 0 && tensor != given_.tensor)
                attempt_shape(given_.schedule.workers(), tensor, places / tensor,
                              "tensor width " + std::to_string(tensor));
        end();
    }
    void micro_batches() {
        begin();
        for (int b = 1; std::int64_t{b} * given_.width <= samples_ && b <= asked_.most_micro_batch; ++b) {
            configuration one = given_;
            one.micro_batch = b;
            if (b != given_.micro_batch && fit_samples(one)) attempt(one, "micro-batch " + std::to_string(b));
            if (b > 64) b += b - 1;  // of the large ones, powers of two
        }
        end();
    }
    void modes() {
        begin();
        for (const recompute_mode mode : {recompute_mode::none, recompute_mode::selective, recompute_mode::layers,
                                          recompute_mode::mixed, recompute_mode::full}) {
            configuration one = given_;
            one.recompute = mode;
            if (mode != given_.recompute) attempt(one, std::string("recompute ") + name(mode));
        }
        end();
        begin();
        for (int zero = 0; zero <= 3; ++zero) {
            configuration one = given_;
            one.zero = zero;
            if (zero != given_.zero) attempt(one, "ZeRO " + std::to_string(zero));
        }
        end();
        begin();
        for (const reduction_start when : {reduction_start::lazy, reduction_start::eager, reduction_start::eager_opt}) {
            configuration one = given_;
            one.synchronisation = when;
            if (when != given_.synchronisation) attempt(one, std::string("sync ") + name(when));
        }
        configuration one = given_;
        const bool apart = given_.order == layout::copies_together;
        one.order = apart ? layout::stages_together : layout::copies_together;
        attempt(one, apart ? "a copy's stages together in a node" : "a stage's copies together in a node");
        end();
    }

    /// The family and its options as they are, on pipelines of another depth; on one worker, copies alone.
    void attempt_shape(int workers, int tensor, int width, const std::string& what) {
        configuration one = given_;
        family_spec& spec = one.schedule;
        one.tensor = tensor;
        one.width = width;
        const bool alone = spec.which == family::data_parallel;
        if (workers == 1 && !alone) spec = {.which = family::data_parallel};
        if (workers > 1 && alone) spec.which = family::one_f_one_b;
        spec.stages = workers * stages_per_worker(spec);
        if (fit_samples(one)) attempt(one, what + ", " + std::to_string(width) + (width == 1 ? " copy" : " copies"));
    }
    /// Deals the samples to copies and micro-batches, if they divide.
    bool fit_samples(configuration& one) const {
        const std::int64_t each = std::int64_t{one.width} * one.micro_batch;
        if (samples_ % each != 0 || samples_ / each > most_slots / (8 * one.schedule.stages)) return false;
        one.schedule.micro_batches = static_cast<int>(samples_ / each);
        return true;
    }

    void begin() { best_ = {}; }
    void attempt(configuration one, const std::string& what) {
        one.cuts.clear();
        one.stage_recompute.clear();
        one.continuous = asynchronous(one.schedule.which);
        if (one.schedule.refused() != refusal::none || one.schedule.stages > layers_) return;
        if (one.recompute == recompute_mode::mixed && !raise_recompute(one, estimate_, allows_layers(asked_))) return;
        const evaluation found = estimate_(one);
        if (!found.fits() || (best_.found.seconds > 0 && found.seconds >= best_.found.seconds)) return;
        best_ = {what, one, found};
    }
    void end() {
        if (best_.found.seconds > 0) out_.push_back(std::move(best_));
    }

    const plan_request& asked_;
    const configuration& given_;
    estimator estimate_;
    std::int64_t samples_;
    int layers_;
    single_change best_;
    std::vector<single_change> out_;
};

}  // namespace detail

/// Returns what one change makes of a configuration that has its sizes: of each kind (family, depth, tensor width,
/// micro-batch, recompute, ZeRO level, synchronisation or layout) the fastest that fits, the fastest of all first.
/// `asked`: the tensor widths, depths and micro-batches to try.
inline std::vector<single_change> single_changes(const model& network, const cluster& machines,
                                                 const plan_request& asked, const configuration& given,
                                                 order_cache& orders) {
    return detail::change_search(network, machines, asked, given, orders).run();
}

}  // namespace chimera
