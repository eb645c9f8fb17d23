// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer_chain.hpp>
#include <chimera/plan/cluster.hpp>
#include <chimera/plan/configuration.hpp>
#include <chimera/plan/estimator.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace chimera {

/// The progress of a search.
struct plan_progress {
    std::size_t done = 0;  ///< candidates: simulated, or left out
    std::size_t all = 0;   ///< candidates of the search
    double best = 0;       ///< seconds of the first place so far; 0: none fits yet
};

/// The request for a plan: the samples of an iteration and the choices to try.
struct plan_request {
    std::int64_t samples = 1;        ///< of an iteration, over all copies
    std::vector<family> families{};  ///< empty: all of them
    std::vector<int> tensors{1};     ///< tensor widths
    bool sequence_parallel = false;  ///< tensor slices share by tokens what they would all hold
    std::vector<recompute_mode> recompute{recompute_mode::none, recompute_mode::selective, recompute_mode::layers,
                                          recompute_mode::mixed, recompute_mode::full};  ///< lighter ones first
    std::vector<int> zero{0, 1, 2, 3};                                                   ///< levels of ZeRO
    std::vector<reduction_start> synchronisation{reduction_start::lazy, reduction_start::eager,
                                                 reduction_start::eager_opt};  ///< starts of reductions
    int most_stages = 1024;                                                    ///< of a pipeline
    int most_micro_batch = 1 << 20;                                            ///< samples
    int most_micro_batches = 1024;  ///< of a copy, or 64 for each worker of a pipeline where that is more
    bool even = false;              ///< micro-batches and copies have to be equal
    bool whole_copies = false;      ///< every worker has to be used
    std::size_t top = 10;           ///< how many are ranked
    bool any = false;               ///< the first that fits will do
    bool prune = true;              ///< false: everything is simulated (for tests)
    int threads = 1;                ///< threads that search; the plan is the same whatever their number
    std::function<void(const plan_progress&)> progress{};  ///< called before every few candidates, unless empty

    /// Returns true if pipelines of so many workers may run so many micro-batches.
    [[nodiscard]] constexpr bool takes(int micro_batches, int workers) const noexcept {
        return micro_batches <= (std::max)(std::int64_t{most_micro_batches}, std::int64_t{64} * workers);
    }
};

/// Throws `chimera_error` for a tensor width that leaves a slice without whole heads of a layer's attention, and names
/// those that do not; for sequence parallelism over slices that do not divide a sample's tokens.
inline void check_slices(const model& network, const slicing& slices) {
    const int tensor = slices.width;
    if (slices.sequences && network.tokens % tensor != 0)
        refuse("tensor width " + std::to_string(tensor) + " does not divide the " + std::to_string(network.tokens) +
               " tokens of a sample (sequence parallelism gives each slice as many) choose another width, or other "
               "tokens");
    const auto fits = [](const layer& l, std::int64_t width) {
        return (l.heads == 0 || l.heads % width == 0) && (l.shared_heads == 0 || l.shared_heads % width == 0);
    };
    for (const layer& l : network.layers) {
        if (fits(l, tensor)) continue;
        std::string others;
        for (std::int64_t width = 1; width <= l.heads; ++width)
            if (std::all_of(network.layers.begin(), network.layers.end(),
                            [&](const layer& each) { return fits(each, width); }))
                others += (others.empty() ? "" : ", ") + std::to_string(width);
        const bool grouped = l.shared_heads != l.heads && l.heads % tensor == 0;
        refuse("tensor width " + std::to_string(tensor) + " does not divide the " +
               std::to_string(grouped ? l.shared_heads : l.heads) + (grouped ? " key-value heads" : " heads") + " of " +
               std::string(l.name.view()) + " (each slice computes whole heads) give one of " + others);
    }
}

/// Throws `chimera_error` for products in 8 bits on hardware without `fp8_flops`.
inline void check_fp8(const model& network, const hardware& platform) {
    for (const layer& l : network.layers)
        for (std::int32_t i = 0; i < l.products.count; ++i)
            (void)detail::numbers_in(l.products.all[static_cast<std::size_t>(i)], l.products, platform);
}

/// Throws `chimera_error` for a request without a choice, an empty model, a cluster without workers, a tensor width
/// that the model does not allow, or products that the hardware has not.
inline void check_request(const model& network, const cluster& machines, const plan_request& asked) {
    if (network.layers.empty()) refuse("the model has no layers (there is nothing to train) give at least one");
    if (machines.nodes < 1 || machines.workers_per_node < 1 || machines.workers() < 1)
        refuse("the cluster has no workers (nodes and workers_per_node are at least 1) give some");
    if (asked.samples < 1) refuse("an iteration has no samples (every copy needs some) give at least 1");
    if (asked.tensors.empty() || asked.recompute.empty() || asked.zero.empty() || asked.synchronisation.empty())
        refuse("the request leaves no choice (tensors, recompute, zero or synchronisation is empty) allow one of each");
    if (asked.top < 1) refuse("a ranking of no places says nothing (top is 0) give at least 1");
    for (const int tensor : asked.tensors) check_slices(network, {tensor, asked.sequence_parallel});
    check_fp8(network, machines.each);
}

/// Returns true if a request lets stages recompute by layers.
[[nodiscard]] inline bool allows_layers(const plan_request& asked) {
    return std::find(asked.recompute.begin(), asked.recompute.end(), recompute_mode::layers) != asked.recompute.end();
}

/// A configuration of the ranking.
struct ranked {
    configuration with;  ///< the configuration, its cuts included
    evaluation found;    ///< seconds and bytes, simulated
    double bound = 0;    ///< seconds that were proven before it was simulated
};

/// Returns true if a stands before b in a ranking: faster, or as fast with less memory.
[[nodiscard]] constexpr bool ranks_before(const ranked& a, const ranked& b) noexcept {
    return a.found.seconds < b.found.seconds || (a.found.seconds == b.found.seconds && a.found.memory < b.found.memory);
}

/// The outcome of the search for a family and mode.
struct plan_class {
    std::string label;             ///< family with its options, in words
    family which = family::gpipe;  ///< family
    bool stale = false;            ///< asynchronous, and not asked for: not ranked
    std::int64_t considered = 0;   ///< configurations, all modes counted
    std::int64_t unbuildable = 0;  ///< refused by a rule of the family
    std::int64_t too_large = 0;    ///< more memory than there is, whatever is recomputed and sharded
    std::int64_t bounded = 0;      ///< cannot be among the best: proven by a bound
    std::int64_t simulated = 0;    ///< orders played
    double best = 0;               ///< seconds of the best that fits; 0: none was simulated
    double bound = 0;              ///< least bound of those that were left out by it
    double lacking = 0;            ///< least bytes that one of the too large ones lacks
    std::string rule;              ///< the first rule that refused one
};

/// The ranking, and the reasons why other classes are not in it.
struct plan_report {
    std::vector<ranked> ranking;      ///< best first, at most `top`, one a class and stage count
    std::vector<plan_class> classes;  ///< by label
    std::int64_t considered = 0;      ///< configurations, all modes counted
    std::int64_t simulated = 0;       ///< orders played
    std::int64_t slot_total = 0;      ///< played
    double bound = 0;                 ///< seconds no configuration of the cluster can beat: all work, spread evenly
};

}  // namespace chimera
