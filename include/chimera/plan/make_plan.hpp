// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/bound.hpp>
#include <chimera/plan/candidates.hpp>
#include <chimera/plan/mode_search.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

/// One search over all candidates, best bound first.
class planning {
public:
    planning(const model& network, const cluster& machines, const plan_request& asked, plan_cache& cache)
        : of_(network), on_(machines), asked_(asked), known_(cache.known_), estimate_(network, machines, cache.orders),
          modes_(machines, asked, estimate_) {
        known_.match(network, machines, asked);
        for (int w = 0; w < machines.workers(); ++w) {
            fastest_ = (std::max)(fastest_, w == 0 ? machines.speed(0) : machines.speed(w));
            largest_ = (std::max)(largest_, w == 0 ? machines.memory_of(0) : machines.memory_of(w));
        }
        total_ = static_cast<double>(parameters(network));
        least_zero_ = *std::max_element(asked.zero.begin(), asked.zero.end());
    }

    /// `incumbents`: configurations that are tried first, such as those of an earlier plan.
    plan_report run(const std::vector<configuration>& incumbents) {
        collect();
        for (const configuration& c : incumbents) try_incumbent(c);
        std::stable_sort(candidates_.begin(), candidates_.end(),
                         [](const candidate& a, const candidate& b) { return a.own < b.own; });
        for (candidate& c : candidates_) {
            plan_class& which = report_.classes[c.which];
            if (asked_.prune && c.bound > worst())
                note_bounded(which, c.bound);
            else if (!c.tried)
                play(c);
        }
        return finish();
    }

private:
    struct candidate {
        configuration with;
        double bound = 0;  // at least as much, whatever the cut
        double own = 0;    // the same under the cuts to choose from
        std::size_t which = 0;
        bool tried = false;
    };

    void collect() {
        report_.bound = std::numeric_limits<double>::infinity();
        report_.least_lacking = std::numeric_limits<double>::infinity();
        for_each_candidate(asked_, on_, static_cast<int>(of_.layers.size()), [&](configuration& one) {
            const std::size_t which = class_of(one.schedule);
            plan_class& c = report_.classes[which];
            const std::int64_t modes = modes_.count(one);
            c.considered += modes;
            report_.considered += modes;
            if (const refusal why = one.schedule.refused(); why != refusal::none) {
                c.unbuildable += modes;
                if (c.rule.empty()) c.rule = text(why);
                return;
            }
            const double need = least_memory(of_.bytes, total_ / one.tensor, one, least_zero_);
            if (asked_.prune && need > largest_) return note_too_large(c, one, need - largest_, modes);
            const layer_sums& layers = estimate_.layers(one.micro_batch, one.tensor);
            const double own = own_bound(one, layers), bound = (std::min)(own, tight_bound(one, layers));
            const double spread = layers.of(0, layers.layers()).compute() * one.schedule.micro_batches * one.width *
                                  one.tensor / on_.workers() / fastest_;
            report_.bound = (std::min)(report_.bound, spread);
            candidates_.push_back({one, bound, own, which, false});
        });
    }

    /// Under the cuts to choose from.
    double own_bound(const configuration& one, const layer_sums& layers) {
        const positions at = estimate_.place(one);
        double bound = std::numeric_limits<double>::infinity();
        for (const std::vector<int>& each : estimate_.choices(one))
            bound = (std::min)(bound, lower_bound(layers, one, each, at, on_, of_.bytes));
        return bound;
    }
    /// Returns the bound over cuts rebalanced to fit memory; infinity without memory limits.
    double tight_bound(const configuration& one, const layer_sums& layers) {
        const positions at = estimate_.place(one);
        const bool tight = std::any_of(at.memory.begin(), at.memory.end(), [](double m) { return std::isfinite(m); });
        return tight && one_stage_each(one.schedule) ? any_cut_bound(layers, one, estimate_.cuts(one), at, on_)
                                                     : std::numeric_limits<double>::infinity();
    }

    void try_incumbent(const configuration& c) {
        for (candidate& known : candidates_) {
            const configuration& k = known.with;
            if (known.tried || !(k.schedule == c.schedule) || k.width != c.width || k.tensor != c.tensor ||
                k.micro_batch != c.micro_batch)
                continue;
            play(known);
        }
    }

    /// Seconds beyond which a candidate cannot enter the ranking.
    double worst() const {
        if (asked_.any && !best_.empty()) return 0;
        if (best_.size() < asked_.top) return std::numeric_limits<double>::infinity();
        return best_[asked_.top - 1].found.seconds;
    }

    /// Known from an earlier plan, where all positions run on workers at speed 1.
    mode_result best_modes(const configuration& choice) {
        const std::vector<double> speeds = estimate_.place(choice).speed;
        const bool like =
            on_.memories.empty() && std::all_of(speeds.begin(), speeds.end(), [](double s) { return s == 1; });
        const double limit = asked_.prune ? worst() : std::numeric_limits<double>::infinity();
        if (!like) return modes_.best(choice, limit);
        if (const mode_result* known = known_.find(choice, limit)) {
            mode_result out = *known;
            out.played = out.slot_total = 0;
            return out;
        }
        mode_result found =
            modes_.best(choice, 1.05 * limit);  // so that it holds for a somewhat slower cluster as well
        known_.keep(choice, found);
        return found;
    }

    void play(candidate& c) {
        c.tried = true;
        plan_class& which = report_.classes[c.which];
        const bool giving_way = asked_.prune && c.own > worst();
        const mode_result found = giving_way ? modes_.best_giving_way(c.with, worst()) : best_modes(c.with);
        report_.simulated += found.played;
        report_.slot_total += found.slot_total;
        which.simulated += found.played;
        if (!found.fits && (giving_way || found.cut_short)) return note_bounded(which, c.own);
        if (!found.fits) return note_too_large(which, c.with, found.lacking, 0);
        if (which.best == 0 || found.found.seconds < which.best) which.best = found.found.seconds;
        // Stale weights are another way to train: ranked where they are asked for.
        if (which.stale) return;
        enter({found.with, found.found, c.bound});
    }

    /// Keeps the best of every class and pipeline size apart, so that the ranking shows alternatives.
    void enter(ranked one) {
        const auto later = [](const ranked& a, const ranked& b) {
            return std::pair(a.found.seconds, a.found.memory) < std::pair(b.found.seconds, b.found.memory);
        };
        best_.insert(std::upper_bound(best_.begin(), best_.end(), one, later), std::move(one));
        if (best_.size() > asked_.top) best_.pop_back();
    }

    static void note_bounded(plan_class& c, double bound) {
        ++c.bounded;
        c.bound = c.bound == 0 ? bound : (std::min)(c.bound, bound);
    }
    void note_too_large(plan_class& c, const configuration& choice, double lacking, std::int64_t modes) {
        c.too_large += (std::max<std::int64_t>)(1, modes);
        if (c.lacking == 0 || lacking < c.lacking) c.lacking = lacking;
        if (lacking >= report_.least_lacking) return;
        report_.least_lacking = lacking;
        report_.smallest = choice;
    }

    std::size_t class_of(const family_spec& spec) {
        const std::string label = label_of(spec);
        const auto found = index_.find(label);
        if (found != index_.end()) return found->second;
        report_.classes.emplace_back();
        report_.classes.back().label = label;
        report_.classes.back().stale = asynchronous(spec.which) && asked_.families.empty();
        return index_.emplace(label, report_.classes.size() - 1).first->second;
    }

    plan_report finish() {
        report_.ranking = std::move(best_);
        return std::move(report_);
    }

    const model& of_;
    const cluster& on_;
    const plan_request& asked_;
    known_modes& known_;
    estimator estimate_;
    mode_search modes_;
    double fastest_ = 0, largest_ = 0, total_ = 0;
    int least_zero_ = 0;
    std::map<std::string, std::size_t> index_;
    std::vector<candidate> candidates_;
    std::vector<ranked> best_;
    plan_report report_;
};

}  // namespace detail

/// Returns the best ways to train a model on a cluster, over every family, depth, width, micro-batch size and mode of
/// the request. Exact: a candidate is left out only where a lower bound of its time lies above the last place of the
/// ranking, or a lower bound of its memory above the largest worker. `memory`: kept from plan to plan, makes the next
/// one after a change of the cluster quick. `before`: an earlier plan's configurations, tried first. Throws
/// `chimera_error` for a request without a choice.
inline plan_report make_plan(const model& network, const cluster& machines, const plan_request& asked,
                             plan_cache& cache, const std::vector<configuration>& before = {}) {
    check_request(network, machines, asked);
    return detail::planning(network, machines, asked, cache).run(before);
}

}  // namespace chimera
