// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/raise.hpp>
#include <chimera/plan/request.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera::detail {

/// The best modes of one candidate.
struct mode_result {
    bool fits = false;
    configuration with;
    evaluation found;
    double lacking = std::numeric_limits<double>::infinity();  ///< bytes, of the smallest that does not fit
    std::int64_t played = 0;                                   ///< orders
    std::int64_t slots = 0;
};

/// Finds a candidate's best layout, ZeRO level, recompute and synchronisation, all others given.
class mode_search {
public:
    mode_search(const cluster& on, const plan_request& asked, estimator& estimate)
        : on_(on), asked_(asked), estimate_(estimate) {}

    /// How many combinations there are.
    std::int64_t count(const configuration& of) const {
        return static_cast<std::int64_t>(layouts(of).size() * levels(of).size() * asked_.recompute.size() *
                                         asked_.synchronisation.size());
    }

    mode_result best(const configuration& of) {
        mode_result out;
        const std::vector<int> zeros = levels(of);
        for (const layout order : layouts(of)) {
            std::vector<char> light(zeros.size(), 0);  // levels that fit with nothing recomputed
            double least = 0;                          // seconds of those passes, which higher levels only add to
            for (const recompute_mode mode : asked_.recompute) {
                played_ = {};
                for (std::size_t i = 0; i < zeros.size(); ++i) {
                    // All other modes only add to the passes: none is the best where it fits.
                    if (asked_.prune && light[i] != 0) continue;
                    if (asked_.prune && out.fits && least + on_.each.step_overhead >= out.found.seconds) continue;
                    configuration one = of;
                    one.order = order;
                    one.zero = zeros[i];
                    one.recompute = mode;
                    const double passes = attempt(one, out);
                    if (mode != recompute_mode::none || passes <= 0) continue;
                    light[i] = 1;
                    if (zeros[i] <= 1) least = least == 0 ? passes : std::min(least, passes);
                }
            }
        }
        return out;
    }

private:
    static constexpr layout both[] = {layout::copies_together, layout::stages_together};

    std::vector<layout> layouts(const configuration& of) const {
        const bool apart =
            on_.nodes > 1 && on_.workers_per_node > of.tensor && of.width > 1 && of.schedule.workers() > 1;
        return apart ? std::vector<layout>{both[0], both[1]} : std::vector<layout>{both[0]};
    }
    /// Levels that differ: with one replica there is nothing to share.
    std::vector<int> levels(const configuration& of) const {
        if (of.width * of.schedule.placements() > of.schedule.stages) return asked_.zero;
        return {asked_.zero.front()};
    }

    /// What was played last: levels 0 and 1 differ in nothing that passes take.
    struct played_last {
        int level = -1;
        std::vector<recompute_mode> stages;
        double end = 0;
    };

    /// Evaluates one choice under every synchronisation. Returns the seconds of its passes; 0 where it does not fit.
    double attempt(configuration& one, mode_result& out) {
        if (one.recompute == recompute_mode::mixed && !raise_recompute(one, estimate_)) return 0;
        evaluator& steps = estimate_.set(one);
        if (!steps.fits()) {
            out.lacking = std::min(out.lacking, steps.memory().lacking);
            return 0;
        }
        const int level = std::max(1, one.zero);
        if (played_.level != level || played_.stages != one.stage_recompute) {
            played_ = {level, one.stage_recompute, steps.play()};
            ++out.played;
            out.slots += static_cast<std::int64_t>(steps.played().steps.size());
        }
        for (const sync when : asked_.synchronisation) {
            one.synchronisation = when;
            const evaluation found = steps.time(on_, one);
            if (out.fits && found.seconds >= out.found.seconds) continue;
            out.fits = true;
            out.found = found;
            out.with = one;
        }
        return played_.end;
    }

    played_last played_;
    const cluster& on_;
    const plan_request& asked_;
    estimator& estimate_;
};

/// What was found of candidates on like workers, for plans of the same model and request on clusters that differ in how many
/// workers there are and in some that are unlike.
class known_modes {
public:
    /// Forgets everything unless it holds for this plan too.
    void match(const model& of, const cluster& on, const plan_request& asked) {
        cluster like = on;  // what a candidate on like workers depends on
        like.nodes = std::min(2, on.nodes);
        like.speeds.clear();
        like.memories.clear();
        const auto layers = [](const model& m) {
            double sum = 0;
            for (const layer& l : m.layers)
                sum += l.forward + 3 * l.activations + 7 * static_cast<double>(l.parameters);
            return std::pair(m.layers.size(), sum);
        };
        if (filled_ && layers_ == layers(of) && bytes_ == of.bytes && like_ == like && choices_ == choices(asked))
            return;
        filled_ = true;
        layers_ = layers(of);
        bytes_ = of.bytes;
        like_ = like;
        choices_ = choices(asked);
        found_.clear();
    }
    const mode_result* find(const configuration& of) const {
        const auto at = found_.find(key(of));
        return at == found_.end() ? nullptr : &at->second;
    }
    void keep(const configuration& of, const mode_result& found) { found_[key(of)] = found; }

private:
    using choice_list = std::tuple<std::vector<recompute_mode>, std::vector<int>, std::vector<sync>, bool>;
    static choice_list choices(const plan_request& of) { return {of.recompute, of.zero, of.synchronisation, of.prune}; }
    static std::tuple<order_key, int, int, int> key(const configuration& of) {
        return {key_of(of.schedule), of.width, of.tensor, of.micro_batch};
    }

    bool filled_ = false;
    std::pair<std::size_t, double> layers_;
    precision bytes_;
    cluster like_;
    choice_list choices_;
    std::map<std::tuple<order_key, int, int, int>, mode_result> found_;
};

}  // namespace chimera::detail

namespace chimera {

/// What one plan leaves to the next: generated orders, and what was found of candidates that the change leaves as they were.
struct plan_memory {
    order_cache orders;
    detail::known_modes known;
};

}  // namespace chimera
