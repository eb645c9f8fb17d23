// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/bound.hpp>
#include <chimera/plan/candidates.hpp>
#include <chimera/plan/planner_threads.hpp>
#include <chimera/plan/report_builder.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace chimera {

namespace detail {

/// One search over all candidates, those first that are likely to be the best.
class planning {
public:
    planning(const model& network, const cluster& machines, const plan_request& asked, plan_cache& cache)
        : of_(network), on_(machines), asked_(asked), known_(cache.known_), threads_(network, machines, asked, cache),
          estimate_(threads_.first()), report_(asked) {
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
        for_each_candidate(asked_, on_, static_cast<int>(of_.layers.size()),
                           [&](const configuration& one) { collect(one); });
        for (const configuration& c : incumbents) try_incumbent(c);
        // Any order is right. The sooner good ones are found, the more of the others a bound rules out.
        std::stable_sort(candidates_.begin(), candidates_.end(),
                         [](const candidate& a, const candidate& b) { return a.expected < b.expected; });
        for (std::size_t i = 0; i < candidates_.size();) i = play_from(i);
        return report_.finish();
    }

private:
    struct candidate {
        configuration with;
        double bound = 0;     // at least as much, whatever the cut
        double own = 0;       // the same under the cuts to choose from
        double expected = 0;  // a guess: with what memory is likely to make it recompute
        std::size_t which = 0;
        bool tried = false;
    };

    void collect(const configuration& one) {
        const std::int64_t modes = threads_.modes().count(one);
        const std::size_t which = report_.consider(one.schedule, modes);
        if (const refusal why = one.schedule.refused(); why != refusal::none)
            return report_.refuse(which, modes, text(why));
        const double need = least_memory(of_.bytes, total_ / one.tensor, one, least_zero_);
        if (asked_.prune && need > largest_) return report_.too_large(which, modes, need - largest_);
        const layer_sums& layers = estimate_.layers(one);
        const double own = own_bound(one, layers), bound = (std::min)(own, tight_bound(one, layers));
        report_.bound(layers.of(0, layers.layers()).compute() * one.schedule.micro_batches * one.width * one.tensor /
                      on_.workers() / fastest_);
        const double expected = own * (1 + expected_recompute(one, layers.of(0, layers.layers())));
        candidates_.push_back({one, bound, own, expected, which, false});
    }

    /// Guesses which share of its passes a candidate recomputes: as if each worker held the activations of one
    /// micro-batch in all stages, or of all micro-batches in its own.
    double expected_recompute(const configuration& one, const stage_sums& all) const {
        const double held = (std::min)(1.0, static_cast<double>(one.schedule.micro_batches) / one.schedule.workers());
        const double room = largest_ - least_memory(of_.bytes, total_ / one.tensor, one, (std::min)(1, least_zero_));
        const auto fits = [&](double bytes) { return held * bytes <= room; };
        if (fits(all.activations)) return 0;
        return (fits(all.selective) ? all.selective_time : all.forward) / all.compute();
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
            play({&known});
        }
    }

    /// Plays the next candidates that no bound rules out, side by side. Returns the first that is left.
    std::size_t play_from(std::size_t i) {
        if (asked_.progress) asked_.progress({i, candidates_.size(), report_.best()});
        // As many whatever the threads: so that what is left out does not depend on them either.
        const std::size_t most = asked_.any ? 1 : 16;
        std::vector<candidate*> next;
        for (; i < candidates_.size() && next.size() < most; ++i) {
            candidate& c = candidates_[i];
            if (asked_.prune && c.bound > report_.worst())
                report_.leave_out(c.which, c.bound);
            else if (!c.tried)
                next.push_back(&c);
        }
        play(next);
        return i;
    }

    void play(const std::vector<candidate*>& next) {
        std::vector<mode_task> tasks;
        for (candidate* c : next) tasks.push_back(task_of(*c));
        threads_.solve(tasks);
        for (std::size_t i = 0; i < next.size(); ++i) book(*next[i], tasks[i]);
    }

    /// Known from an earlier plan, where all positions run on workers at speed 1.
    bool comparable(const configuration& choice) const {
        const std::vector<double> speeds = estimate_.place(choice).speed;
        return on_.memories.empty() && std::all_of(speeds.begin(), speeds.end(), [](double s) { return s == 1; });
    }

    mode_task task_of(candidate& c) {
        c.tried = true;
        mode_task out;
        out.choice = &c.with;
        out.limit = asked_.prune ? report_.worst() : std::numeric_limits<double>::infinity();
        out.giving_way = asked_.prune && c.own > report_.worst();
        out.lacking = report_.least_lacking(c.which);
        out.kept = !out.giving_way && comparable(c.with);
        if (out.kept) {
            if (const mode_result* known = known_.find(c.with, out.limit)) {
                out.found = *known;
                out.found.played = out.found.slot_total = 0;
                out.solved = true;
            }
            out.limit *= 1.05;  // so that it holds for a somewhat slower cluster as well
        }
        out.stop = (std::max)(out.limit, report_.best_of(c.which));
        return out;
    }

    void book(const candidate& c, const mode_task& done) {
        const mode_result& found = done.found;
        if (done.kept && !done.solved && !found.at_least) known_.keep(c.with, found);
        report_.simulated(c.which, found.played, found.slot_total);
        if (!found.fits && (done.giving_way || found.cut_short)) return report_.leave_out(c.which, c.own);
        if (!found.fits) return report_.too_large(c.which, 1, found.lacking);
        report_.enter(c.which, {found.with, found.found, c.bound});
    }

    const model& of_;
    const cluster& on_;
    const plan_request& asked_;
    known_modes& known_;
    planner_threads threads_;
    estimator& estimate_;
    double fastest_ = 0, largest_ = 0, total_ = 0;
    int least_zero_ = 0;
    report_builder report_;
    std::vector<candidate> candidates_;
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
