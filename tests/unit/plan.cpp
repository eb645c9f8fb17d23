// SPDX-License-Identifier: Apache-2.0
#include "plan_cases.hpp"
#include "tests/dose.hpp"

#include <chimera/program/lower.hpp>
#include <chimera/simulate/metrics.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>

using namespace chimera;

TEST(plan, bounds_are_never_above_what_is_simulated) {
    int seen = 0;
    double tightest = 0, heaviest = 0;
    for (unsigned seed = 0; seed < 40; ++seed) {
        cases::maker make(seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.memory = std::numeric_limits<double>::infinity();
        const plan_request asked = make.some_request();
        order_cache orders;
        estimator estimate(what, on, orders);
        for_each_candidate(asked, on, static_cast<int>(what.layers.size()), [&](configuration& one) {
            if (one.schedule.refused() != refusal::none) return;
            const double bound = lower_bound(estimate.layers(one.micro_batch, one.tensor), one, estimate.cuts(one),
                                             estimate.place(one), on, what.bytes);
            const double any = one_stage_each(one.schedule)
                                   ? any_cut_bound(estimate.layers(one.micro_batch, one.tensor), one,
                                                   estimate.cuts(one), estimate.place(one), on)
                                   : 0;
            one.zero = make.whole(0, 3);
            one.synchronisation =
                make.whole(0, 1) == 0 ? chimera::reduction_start::eager : chimera::reduction_start::eager_opt;
            one.recompute = make.some_mode();
            const double recomputing =
                lower_bound(estimate.layers(one), one, estimate.cuts(one), estimate.place(one), on, what.bytes, true);
            const evaluation whole = estimate(one);
            const double found = whole.seconds;
            const double moving =
                sharded_bound(estimate.layers(one), one, one.zero, estimate.place(one), on, what.bytes);
            ASSERT_LE(moving, found) << label_of(one.schedule) << " zero " << one.zero << " seed " << seed;
            if (one.zero >= 2 && one.width > 1) heaviest = std::max(heaviest, moving / found);
            ASSERT_LE(bound, recomputing);
            ASSERT_LE(recomputing, found) << label_of(one.schedule) << ' ' << name(one.recompute) << " seed " << seed;
            one.recompute = recompute_mode::none;
            const double state = static_cast<double>(parameters(what)) / one.tensor;
            ASSERT_LE(least_memory(what.bytes, state, one, one.zero), whole.memory) << label_of(one.schedule);
            ASSERT_LE(bound, found) << label_of(one.schedule) << " stages " << one.schedule.stages << " N "
                                    << one.schedule.micro_batches << " seed " << seed;
            ++seen;
            if (any == 0) return;
            ASSERT_LE(any, found);
            for (int other = 0; other < 4; ++other) {  // whatever the cut
                one.cuts = make.some_cuts(static_cast<int>(what.layers.size()), one.schedule.stages);
                ASSERT_LE(any, estimate(one).seconds) << label_of(one.schedule) << " seed " << seed;
                tightest = std::max(tightest, any / estimate(one).seconds);
            }
        });
    }
    EXPECT_GT(seen, 3000);
    EXPECT_GT(tightest, 0.95);
    EXPECT_GT(heaviest, 0.8);
}

/// The same plan in all that it says, whatever the threads.
void expect_equal(const plan_report& a, const plan_report& b) {
    EXPECT_EQ(a.considered, b.considered);
    EXPECT_EQ(a.simulated, b.simulated);
    EXPECT_EQ(a.slot_total, b.slot_total);
    EXPECT_EQ(a.bound, b.bound);
    ASSERT_EQ(a.ranking.size(), b.ranking.size());
    for (std::size_t i = 0; i < a.ranking.size(); ++i) {
        EXPECT_EQ(label_of(a.ranking[i].with.schedule), label_of(b.ranking[i].with.schedule));
        EXPECT_EQ(a.ranking[i].found.seconds, b.ranking[i].found.seconds);
        EXPECT_EQ(a.ranking[i].found.memory, b.ranking[i].found.memory);
        EXPECT_EQ(a.ranking[i].with.cuts, b.ranking[i].with.cuts);
        EXPECT_EQ(a.ranking[i].with.stage_recompute, b.ranking[i].with.stage_recompute);
    }
    ASSERT_EQ(a.classes.size(), b.classes.size());
    for (std::size_t i = 0; i < a.classes.size(); ++i) {
        EXPECT_EQ(a.classes[i].label, b.classes[i].label);
        EXPECT_EQ(a.classes[i].bounded, b.classes[i].bounded);
        EXPECT_EQ(a.classes[i].too_large, b.classes[i].too_large);
        EXPECT_EQ(a.classes[i].best, b.classes[i].best);
        EXPECT_EQ(a.classes[i].lacking, b.classes[i].lacking);
    }
}

TEST(plan, threads_change_nothing) {
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(30)); ++seed) {
        cases::maker make(5000 + seed);
        const model what = make.some_model();
        const cluster on = make.some_cluster();
        plan_request asked = make.some_request();
        plan_cache one, many;
        const plan_report alone = make_plan(what, on, asked, one);
        for (const int threads : {2, 5, 1}) {  // with what earlier plans have left behind
            asked.threads = threads;
            plan_cache fresh;
            SCOPED_TRACE("seed " + std::to_string(seed) + " threads " + std::to_string(threads));
            expect_equal(make_plan(what, on, asked, fresh), alone);
            const plan_report again = make_plan(what, on, asked, many);
            ASSERT_EQ(again.ranking.size(), alone.ranking.size());
            for (std::size_t i = 0; i < again.ranking.size(); ++i)
                EXPECT_EQ(again.ranking[i].found.seconds, alone.ranking[i].found.seconds);
        }
    }
}

/// What a bound or a given-up simulation left out is too slow, and not too large.
TEST(plan, nothing_is_too_large_where_memory_has_no_limit) {
    int bounded = 0;
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(60)); ++seed) {
        cases::maker make(6000 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.memory = std::numeric_limits<double>::infinity();
        plan_cache orders;
        for (const plan_class& c : make_plan(what, on, make.some_request(), orders).classes) {
            EXPECT_EQ(c.too_large, 0) << c.label << " seed " << seed;
            EXPECT_EQ(c.lacking, 0) << c.label << " seed " << seed;
            bounded += static_cast<int>(c.bounded);
        }
    }
    EXPECT_GT(bounded, dose(60));
}

TEST(plan, pruning_never_loses_the_best) {
    const unsigned seeds = std::getenv("CHIMERA_EXHAUSTIVE") != nullptr ? 400 : dose(40);
    int fitting = 0;
    for (unsigned seed = 0; seed < seeds; ++seed) {
        cases::maker make(1000 + seed);
        const model what = make.some_model();
        const cluster on = make.some_cluster();
        plan_request asked = make.some_request();
        plan_cache orders;
        const plan_report quick = make_plan(what, on, asked, orders);
        asked.prune = false;
        const plan_report all = make_plan(what, on, asked, orders);
        ASSERT_EQ(quick.ranking.size(), all.ranking.size()) << "seed " << seed;
        EXPECT_LE(quick.simulated, all.simulated);
        for (std::size_t i = 0; i < all.ranking.size(); ++i)
            ASSERT_DOUBLE_EQ(quick.ranking[i].found.seconds, all.ranking[i].found.seconds)
                << "seed " << seed << " place " << i << ": " << label_of(all.ranking[i].with.schedule) << " "
                << name(all.ranking[i].with.recompute) << " zero " << all.ranking[i].with.zero;
        fitting += all.ranking.empty() ? 0 : 1;
        for (const ranked& r : all.ranking) EXPECT_TRUE(r.found.fits());
    }
    EXPECT_GT(fitting, static_cast<int>(seeds) / 2);
}

/// Linear pipelines reduce one stage a worker, so that nothing depends on how reductions share a link.
TEST(plan, the_estimate_is_the_simulated_program) {
    for (unsigned seed = 0; seed < 30; ++seed) {
        cases::maker make(2000 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.speeds.clear();
        on.nodes = 6;
        on.workers_per_node = 1;
        on.each.overlap_slowdown = 1;
        const int stages = make.whole(2, std::min(6, static_cast<int>(what.layers.size())));
        for (const family which : {family::gpipe, family::one_f_one_b, family::zb_h1})
            for (const chimera::reduction_start when : {chimera::reduction_start::lazy, chimera::reduction_start::eager,
                                                        chimera::reduction_start::eager_opt}) {
                configuration one;
                one.schedule = {.which = which, .stages = stages, .micro_batches = make.whole(1, 9)};
                one.width = 2;
                one.synchronisation = when;
                order_cache orders;
                estimator estimate(what, on, orders);
                const evaluation found = estimate(one);
                const stage_costs& cost = estimate.steps().cost();
                costs whole = cost.seconds;
                whole.reduce.seconds = per_stage(cost.reduction);
                whole.update = per_stage(cost.update);
                const auto played = metrics(simulate(lower(widen(generate(one.schedule), one.width), when), whole));
                EXPECT_NEAR(found.seconds, played.makespan + on.each.step_overhead, 1e-9 * found.seconds)
                    << name(which) << " " << name(when) << " seed " << seed;
            }
    }
}

TEST(plan, a_slower_worker_never_helps_and_a_new_plan_from_the_old_one_is_the_same) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        cases::maker make(3000 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.speeds.clear();
        if (seed % 2 == 0) on.memory = std::numeric_limits<double>::infinity();
        const plan_request asked = make.some_request();
        plan_cache orders;
        const plan_report before = make_plan(what, on, asked, orders);
        if (before.ranking.empty()) continue;
        std::vector<configuration> known;
        for (const ranked& r : before.ranking) known.push_back(r.with);
        const cluster slower = at_speed(on, make.whole(0, on.workers() - 1), 0.5);
        const plan_report again = make_plan(what, slower, asked, orders, known);
        const plan_report anew = make_plan(what, slower, asked, orders);
        ASSERT_EQ(again.ranking.size(), anew.ranking.size());
        for (std::size_t i = 0; i < anew.ranking.size(); ++i)
            EXPECT_DOUBLE_EQ(again.ranking[i].found.seconds, anew.ranking[i].found.seconds);
        // Where memory is tight, the cut for other speeds may happen to fit where the first one does not.
        if (std::isinf(on.memory)) {
            EXPECT_GE(again.ranking[0].found.seconds, before.ranking[0].found.seconds * (1 - 1e-12));
        }
        if (on.workers() < 2) continue;
        const plan_report fewer = make_plan(what, without(on, 0), asked, orders, known);
        for (const ranked& r : fewer.ranking) EXPECT_LE(r.with.workers(), on.workers() - 1);
        const cluster more = with_another(on);
        EXPECT_EQ(more.workers(), on.workers() + 1);
        for (const ranked& r : make_plan(what, more, asked, orders).ranking)
            EXPECT_LE(r.with.workers(), more.workers());
    }
}

/// All cuts of `layers` into `stages`.
void each_cut(int layers, int stages, std::vector<int> so_far, const std::function<void(const std::vector<int>&)>& f) {
    if (static_cast<int>(so_far.size()) == stages) {
        so_far.push_back(layers);
        return f(so_far);
    }
    for (int next = so_far.back() + 1; next <= layers - (stages - static_cast<int>(so_far.size())); ++next) {
        so_far.push_back(next);
        each_cut(layers, stages, so_far, f);
        so_far.pop_back();
    }
}

TEST(plan, cuts_give_way_to_memory) {
    struct count {
        int gave_way = 0, best = 0, missed = 0;
    };
    count sums, layers_alone;  // what recompute by layers takes is no sum over a stage's layers
    for (unsigned seed = 0; seed < 300; ++seed) {
        cases::maker make(4000 + seed);
        model what = make.some_model();
        const bool alike = seed % 2 == 0;  // as in transformers: then nothing beside the sums depends on the cut
        for (layer& l : what.layers)
            if (alike) l.output = 1e5;
        cluster on = make.some_cluster();
        const int layers = static_cast<int>(what.layers.size()), stages = make.whole(2, std::min(4, layers));
        on.nodes = stages;
        on.workers_per_node = 2;
        on.speeds.clear();
        configuration one;
        one.schedule = {.which = make.whole(0, 1) == 0 ? family::one_f_one_b : family::zb_h1, .stages = stages};
        one.schedule.micro_batches = make.whole(2, 8);
        one.width = 2;
        one.zero = make.whole(0, 3);
        one.recompute = make.some_mode();
        // Memory between what the emptiest cut and what the first choice needs.
        order_cache orders;
        on.memory = std::numeric_limits<double>::infinity();
        estimator free(what, on, orders);
        const double first = free(one).memory;
        double least = first;
        each_cut(layers, stages, {0}, [&](const std::vector<int>& cuts) {
            configuration other = one;
            other.cuts = cuts;
            least = std::min(least, free(other).memory);
        });
        on.memory = least + make.number(0, 1) * (first - least);
        estimator estimate(what, on, orders);
        one.cuts.clear();
        if (estimate.set(one).fits()) continue;
        const auto slowest = [&](const std::vector<int>& cuts) {
            double most = 0;
            configuration other = one;
            other.cuts = cuts;
            if (!estimate.set(other, true).fits()) return std::numeric_limits<double>::infinity();
            for (int s = 0; s < stages; ++s) {
                const auto i = static_cast<std::size_t>(s);
                const stage_sums sum = estimate.layers(one.micro_batch, one.tensor).of(cuts[i], cuts[i + 1]);
                const double again = one.recompute == recompute_mode::full        ? sum.forward
                                     : one.recompute == recompute_mode::layers    ? sum.layers_time
                                     : one.recompute == recompute_mode::selective ? sum.selective_time
                                                                                  : 0;
                most = std::max(most, sum.compute() + again);
            }
            return most;
        };
        double fastest = std::numeric_limits<double>::infinity();
        each_cut(layers, stages, {0}, [&](const std::vector<int>& c) { fastest = std::min(fastest, slowest(c)); });
        count& of = one.recompute == recompute_mode::layers ? layers_alone : sums;
        configuration found = one;
        estimate.set(found);
        if (!estimate.cut_within(found)) {
            of.missed += std::isfinite(fastest) ? 1 : 0;
            continue;
        }
        EXPECT_TRUE(estimate.steps().fits());
        ++of.gave_way;
        const double taken = slowest(found.cuts);
        ASSERT_TRUE(std::isfinite(taken)) << "does not fit, seed " << seed;
        EXPECT_GE(taken, fastest * (1 - 1e-12));
        of.best += taken <= fastest * (1 + 1e-12) ? 1 : 0;
    }
    EXPECT_GT(sums.gave_way, 120);
    EXPECT_EQ(sums.best, sums.gave_way);
    EXPECT_LE(sums.missed, sums.gave_way / 8);  // what lies beside the sums is learnt, not searched
    EXPECT_GT(layers_alone.gave_way, 40);
    EXPECT_GT(layers_alone.best, layers_alone.gave_way * 9 / 10);
    EXPECT_LT(layers_alone.missed, layers_alone.gave_way / 3);
}

TEST(plan, refuses_what_leaves_no_choice) {
    cases::maker make(1);
    const model what = make.some_model();
    cluster on;
    plan_cache orders;
    plan_request asked;
    asked.samples = 0;
    EXPECT_THROW((void)make_plan(what, on, asked, orders), chimera_error);
    asked.samples = 8;
    asked.zero.clear();
    EXPECT_THROW((void)make_plan(what, on, asked, orders), chimera_error);
    asked.zero = {0};
    EXPECT_THROW((void)make_plan(model{}, on, asked, orders), chimera_error);
    on.nodes = 0;
    EXPECT_THROW((void)make_plan(what, on, asked, orders), chimera_error);
    EXPECT_THROW((void)without(cluster{}, 0), chimera_error);
    EXPECT_THROW((void)at_speed(cluster{}, 0, 0), chimera_error);
}
