// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/mode_search.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera::detail {

/// A cache of mode searches on identical workers; valid for one model and request, on clusters of any size.
class known_modes {
public:
    /// Forgets everything unless it holds for this plan too.
    void match(const model& network, const cluster& machines, const plan_request& asked) {
        cluster like = machines;  // what a candidate on like workers depends on
        like.nodes = (std::min)(2, machines.nodes);
        like.speeds.clear();
        like.memories.clear();
        const auto layers = [](const model& m) {
            double sum = 0;
            for (const layer& l : m.layers)
                sum += l.forward + 3 * l.activations + 7 * static_cast<double>(l.parameters);
            return std::pair(m.layers.size(), sum);
        };
        if (filled_ && layers_ == layers(network) && bytes_ == network.bytes && like_ == like &&
            choices_ == choices(asked))
            return;
        filled_ = true;
        layers_ = layers(network);
        bytes_ = network.bytes;
        like_ = like;
        choices_ = choices(asked);
        found_.clear();
    }
    /// Null as well where what was left out may take less than `limit` seconds.
    const mode_result* find(const configuration& choice, double limit) const {
        const auto at = found_.find(key(choice));
        if (at == found_.end()) return nullptr;
        const mode_result& known = at->second;
        const bool whole =
            !known.cut_short || limit <= known.limit || (known.fits && known.found.seconds <= known.limit);
        return whole ? &known : nullptr;
    }
    void keep(const configuration& choice, const mode_result& found) { found_[key(choice)] = found; }

private:
    using choice_list =
        std::tuple<std::vector<recompute_mode>, std::vector<int>, std::vector<reduction_start>, bool, bool>;
    static choice_list choices(const plan_request& request) {
        return {request.recompute, request.zero, request.synchronisation, request.prune, request.sequence_parallel};
    }
    static std::tuple<order_key, int, int, int> key(const configuration& choice) {
        return {key_of(choice.schedule), choice.width, choice.tensor, choice.micro_batch};
    }

    bool filled_ = false;
    std::pair<std::size_t, double> layers_;
    precision bytes_;
    cluster like_;
    choice_list choices_;
    std::map<std::tuple<order_key, int, int, int>, mode_result> found_;
};

class planning;
class planner_threads;

}  // namespace chimera::detail

namespace chimera {

/// A cache reused by successive `make_plan` calls: generated orders, and the mode searches that a change leaves valid.
class plan_cache {
public:
    order_cache orders;  ///< generated orders

private:
    friend class detail::planning;
    friend class detail::planner_threads;
    detail::known_modes known_;
    std::vector<order_cache> others_;  // of further threads
};

}  // namespace chimera
