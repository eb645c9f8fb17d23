// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/bound.hpp>
#include <chimera/plan/recompute_until_fit.hpp>
#include <chimera/plan/request.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
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
    double limit = std::numeric_limits<double>::infinity();    ///< seconds from which on nothing was of interest
    bool at_least = false;                                     ///< whether `lacking` is a lower bound
    bool cut_short = false;                                    ///< whether something was left out for that
    std::int64_t played = 0;                                   ///< orders
    std::int64_t slot_total = 0;
};

/// Finds a candidate's best layout, ZeRO level, recompute and synchronisation, all others given.
class mode_search {
public:
    mode_search(const cluster& machines, const plan_request& asked, estimator& estimate)
        : on_(machines), asked_(asked), estimate_(estimate) {}

    /// Returns the number of combinations with one of the cuts.
    std::int64_t count(const configuration& choice) const {
        return static_cast<std::int64_t>(layouts(choice).size() * levels(choice).size() * asked_.recompute.size() *
                                         asked_.synchronisation.size());
    }

    /// The best that takes less than `limit` seconds. If none fits, and more than `lacking` bytes lack, a lower bound
    /// of these bytes suffices. `stop`: seconds, at least `limit`, from which on a simulation is given up.
    mode_result best(const configuration& choice, double limit, double lacking, double stop) {
        stop_ = stop;
        return search(choice, limit, lacking, false);
    }
    /// Searches those candidates alone whose cuts give way to memory.
    mode_result best_giving_way(const configuration& choice, double limit, double stop) {
        stop_ = stop;
        return search(choice, limit, 0, true);
    }

private:
    static constexpr layout both[] = {layout::copies_together, layout::stages_together};

    mode_result search(const configuration& choice, double limit, double lacking, bool giving_way) {
        whole_ = false;
        mode_result out = search_once(choice, limit, giving_way);
        if (out.fits || out.cut_short || !out.at_least || out.lacking > lacking) return out;
        whole_ = true;
        return search_once(choice, limit, giving_way);
    }

    mode_result search_once(const configuration& choice, double limit, bool giving_way) {
        mode_result out;
        out.limit = limit;
        configuration one = choice;
        tight_.clear();
        giving_way_ = giving_way;
        for (std::vector<int>& cuts : estimate_.choices(choice)) {
            one.cuts = std::move(cuts);
            const double plain = bound_of(one);
            if (giving_way || !too_slow(plain, out)) try_all(one, plain, out);
        }
        for (configuration& each : tight_) give_way(each, out);
        return out;
    }

    /// All modes under the configuration's cuts. Notes those for which memory does not suffice. `plain`: the bound with
    /// nothing recomputed.
    void try_all(const configuration& choice, double plain, mode_result& out) {
        const std::vector<int> zeros = levels(choice);
        const std::size_t modes = asked_.recompute.size();
        // Neither depends on the layout.
        std::vector<fit> fits(modes * zeros.size());
        std::vector<double> moving(zeros.size());  // bounds of the levels
        for (std::size_t i = 0; i < zeros.size(); ++i)
            moving[i] = sharded_bound(estimate_.layers(choice), choice, zeros[i], estimate_.place(choice), on_,
                                      estimate_.bytes());
        std::vector<double> least_passes(modes, -1);
        for (const layout order : layouts(choice)) {
            std::vector<char> light(zeros.size(), 0);  // levels that fit with nothing recomputed
            double least = 0;                          // seconds of those passes, which higher levels only add to
            for (std::size_t m = 0; m < modes; ++m) {
                const recompute_mode mode = asked_.recompute[m];
                played_ = {};
                configuration one = choice;
                one.order = order;
                one.recompute = mode;
                if (least_passes[m] < 0) least_passes[m] = bound_of_mode(one, plain);
                for (std::size_t i = 0; i < zeros.size(); ++i) {
                    if (too_slow(least_passes[m], out)) break;
                    if (too_slow(moving[i], out)) continue;
                    // All other modes only add to the passes: none is the best where it fits.
                    if (asked_.prune && light[i] != 0) continue;
                    if (asked_.prune && out.fits && least + on_.each.step_overhead >= out.found.seconds) continue;
                    one.zero = zeros[i];
                    fit& known = fits[m * zeros.size() + i];
                    // Takes the mode's bound, unless stages differ in mode or that bound is one over all cuts.
                    if (mode != recompute_mode::mixed && !one_stage_each(one.schedule)) known.bound = least_passes[m];
                    const std::optional<double> passes = attempt(one, known, out);
                    if (mode != recompute_mode::none || !passes) continue;
                    light[i] = 1;
                    if (zeros[i] <= 1 && *passes > 0) least = least == 0 ? *passes : (std::min)(least, *passes);
                }
            }
        }
    }

    std::vector<layout> layouts(const configuration& choice) const {
        const bool apart =
            on_.nodes > 1 && on_.workers_per_node > choice.tensor && choice.width > 1 && choice.schedule.workers() > 1;
        return apart ? std::vector<layout>{both[0], both[1]} : std::vector<layout>{both[0]};
    }
    /// Levels that differ: with one replica there is nothing to share.
    std::vector<int> levels(const configuration& choice) const {
        if (choice.width * choice.schedule.placements() > choice.schedule.stages) return asked_.zero;
        return {asked_.zero.front()};
    }

    /// The order that was simulated last: levels 0 and 1 differ in nothing that passes take.
    struct played_last {
        int level = -1;
        std::vector<recompute_mode> stages;
        evaluator::played_passes passes;
    };

    /// Holds facts of a recompute mode at a ZeRO level that are the same for all layouts.
    struct fit {
        bool tried = false;
        bool fits = false;
        double lacking = std::numeric_limits<double>::infinity();  // bytes
        double bound = -1;                                         // seconds
        std::vector<recompute_mode> stages;                        // where the mode is mixed
    };

    /// Returns true if the order's first units show that the choice does not fit, or they, or the order itself, that it
    /// is too slow where it fits.
    bool hopeless(const configuration& one, fit& known, mode_result& out) {
        configuration tried = one;
        const bool mixed = one.recompute == recompute_mode::mixed;
        if (mixed) tried.recompute = recompute_mode::full;  // nothing suffices where that does not
        const evaluator* begun = whole_ ? nullptr : estimate_.weigh_first_units(tried);
        if (begun != nullptr && !begun->fits()) {
            if (!mixed) known.lacking = begun->memory().lacking;
            out.at_least = out.at_least || !mixed;
            return true;
        }
        if (!mixed) return false;
        tried.recompute = recompute_mode::none;
        begun = begun == nullptr ? &estimate_.weigh_anew(tried) : estimate_.weigh_first_units(tried);
        if (begun->fits()) return false;
        const layer_sums& layers = estimate_.layers(one);
        const positions at = estimate_.place(one);
        const std::vector<double> more = least_recomputed(*begun, layers, one, at, allows_layers(asked_));
        return too_slow(lower_bound(layers, one, one.cuts, at, on_, estimate_.bytes(), false, more), out);
    }

    /// Finds whether a choice fits, and the modes of its stages where they are mixed.
    fit weigh(configuration& one) {
        fit out;
        out.tried = true;
        if (one.recompute == recompute_mode::mixed && !raise_recompute(one, estimate_, allows_layers(asked_)))
            return out;
        const evaluator& steps = estimate_.set(one);
        out.fits = steps.fits();
        if (!out.fits) out.lacking = steps.memory().lacking;
        out.stages = one.stage_recompute;
        return out;
    }

    /// Evaluates one choice under every synchronisation. Returns the seconds of its passes, 0 where a bound says that
    /// they are too many; nothing where it does not fit.
    std::optional<double> attempt(configuration& one, fit& known, mode_result& out) {
        const bool again = known.tried;
        if (!again && asked_.prune && hopeless(one, known, out)) known.tried = true;
        if (!known.tried) known = weigh(one);
        one.stage_recompute = known.stages;
        if (!known.fits) {
            out.lacking = (std::min)(out.lacking, known.lacking);
            if (one_stage_each(one.schedule) && one.recompute != recompute_mode::mixed) tight_.push_back(one);
            return {};
        }
        if (giving_way_) return 0;
        if (known.bound < 0) known.bound = bound_of(one, true);
        if (too_slow(known.bound, out)) return 0;
        if (again) estimate_.set(one);
        return play(one, out);
    }

    /// Returns a lower bound over all layouts and ZeRO levels; of cuts that may give way to memory, no cut either.
    double bound_of_mode(const configuration& one, double plain) {
        const bool recomputing = one.recompute != recompute_mode::none && one.recompute != recompute_mode::mixed;
        if (!one_stage_each(one.schedule)) return recomputing ? bound_of(one, true) : plain;
        return any_cut_bound(estimate_.layers(one), one, one.cuts, estimate_.place(one), on_);
    }
    double bound_of(const configuration& one, bool recomputing = false) {
        const layer_sums& layers = estimate_.layers(one);
        return lower_bound(layers, one, one.cuts, estimate_.place(one), on_, estimate_.bytes(), recomputing);
    }
    bool too_slow(double bound, mode_result& than) const {
        if (!asked_.prune) return false;
        than.cut_short = than.cut_short || bound >= than.limit;
        return bound >= (than.fits ? (std::min)(than.limit, than.found.seconds) : than.limit);
    }

    /// One that memory did not suffice for, with cuts that give way to memory, if there are any.
    void give_way(configuration& one, mode_result& out) {
        if (too_slow(bound_of_mode(one, 0), out)) return;  // of one stage each: no plain bound counts
        estimate_.set(one);
        if (!estimate_.cut_within(one) || too_slow(bound_of(one), out)) return;
        played_ = {};
        play(one, out);
    }

    /// Simulates a choice that was set, up to where it is sure to be of no interest. Returns the seconds of its passes,
    /// or a lower bound of them.
    double play(configuration& one, mode_result& out) {
        evaluator& steps = estimate_.steps();
        const int level = (std::max)(1, one.zero);
        if (played_.level != level || played_.stages != one.stage_recompute) {
            const double limit =
                asked_.prune ? (out.fits ? (std::min)(stop_, out.found.seconds) : stop_) - on_.each.step_overhead
                             : std::numeric_limits<double>::infinity();
            const double least = steps.least_passes(one);
            if (least >= limit)
                played_ = {level, one.stage_recompute, {least, false}};
            else {
                // Without a drain the last end says little.
                played_ = {level, one.stage_recompute, one.continuous ? steps.play() : steps.play(limit)};
                ++out.played;
                out.slot_total += static_cast<std::int64_t>(steps.played().steps.size());
            }
        }
        if (!played_.passes.whole) {
            out.cut_short = true;
            return played_.passes.end;
        }
        for (const reduction_start when : asked_.synchronisation) {
            one.synchronisation = when;
            const evaluation found = steps.time(on_, one);
            if (out.fits && found.seconds >= out.found.seconds) continue;
            out.fits = true;
            out.found = found;
            out.with = one;
        }
        return played_.passes.end;
    }

    played_last played_;
    double stop_ = std::numeric_limits<double>::infinity();
    bool whole_ = false;                // first units show nothing: the bytes that whole orders lack are asked for
    bool giving_way_ = false;           // nothing but cuts that give way to memory is of interest
    std::vector<configuration> tight_;  // memory does not suffice for them under the cuts to choose from
    const cluster& on_;
    const plan_request& asked_;
    estimator& estimate_;
};

}  // namespace chimera::detail
