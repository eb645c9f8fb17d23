// SPDX-License-Identifier: Apache-2.0
// Every number of workers: the greedy rules lock nobody out, and the search is never longer than our families. Neither
// a larger budget nor more memory makes it longer. search_sweep_exhaustive.cpp has all rows.
#include "search_families.hpp"
#include "search_brute.hpp"
#include "tests/dose.hpp"

#include <chimera/verify.hpp>

#include <gtest/gtest.h>

namespace {

using namespace search_test;

/// Without a memory limit rules that keep no forward back can lock nobody out, however many workers there are.
TEST(search_families, greedy_rules_run_on_any_number_of_workers) {
    std::mt19937 random(3);
    for (int workers = 1; workers <= 70; workers += 70 / dose(70))
        for (const placing where : all_placings) {
            const int n = 1 + static_cast<int>(random() % 40);
            const search_problem of = on_workers(where, workers, n, random_costs(random));
            const auto in = detail::seek::lay_out(of);
            detail::seek::greedy_player greedy(in);
            detail::seek::order rows;
            for (const bool eager : {false, true}) {
                const auto plain = detail::seek::plain_rules(in, 4, eager, 0, detail::seek::unbounded, 0);
                ASSERT_TRUE(greedy.build(plain, rows)) << words(of);
                detail::seek::value v;
                ASSERT_TRUE(detail::seek::order_player(in).play(rows, v)) << words(of);
            }
        }
}

void expect_no_longer(const search_problem& of, std::int64_t evaluations) {
    const best_family ours(of);
    const search_result found = search(of, {.evaluations = evaluations});
    EXPECT_LE(found.makespan, ours.makespan() * (1 + 1e-9)) << words(of) << " against " << ours.name();
    EXPECT_GE(found.makespan, found.makespan_bound) << words(of);
}

/// One evaluation, so that nothing but the families can be the reason.
TEST(search_families, are_where_it_begins) {
    std::mt19937 random(5);
    const int step = 33 / dose(33), most = step == 1 ? 33 : 17;  // half of the time goes to the last eight
    for (int workers = 1; workers <= most; workers += step)
        for (const placing where : all_placings) {
            const int n = 1 + static_cast<int>(random() % static_cast<unsigned>(2 * workers + 3));
            search_problem of = on_workers(where, workers, n, random_costs(random));
            if (random() % 2 == 0)
                of.memory = {2.0 + static_cast<double>(random() % static_cast<unsigned>(2 * of.stages))};
            of.split = random() % 4 != 0;
            expect_no_longer(of, 1);
        }
}

TEST(search_families, rows_that_dropped_workers) {
    for (int d = 5; d <= 16; ++d) {
        search_problem of = on_workers(placing::linear, d, 2 * d, four_costs()[1]);
        of.memory = {static_cast<double>(d)};
        const double h1 = metrics(simulate(generate(zb_h1{d, 2 * d}), of.cost)).makespan;
        EXPECT_LE(search(of, {.evaluations = 200}).makespan, h1 * (1 + 1e-9)) << words(of);
    }
    search_problem of = on_workers(placing::fold, 10, 20, cost_of(1, 1, 1, 0.1));
    of.memory = {20};
    EXPECT_LE(search(of, {.evaluations = 2000}).makespan, 133.3 + 1e-9);
    of = on_workers(placing::fold, 10, 31, four_costs()[2]);
    EXPECT_LE(search(of, {.evaluations = 200}).makespan, 202.2 + 1e-9);
    of.placement = placing::loop;
    of.micro_batches = 20;
    of.cost = cost_of(1, 1, 1, 0.1);
    EXPECT_LE(search(of, {.evaluations = 200}).makespan, 133.3 + 1e-9);
}

search_problem small_problem(std::mt19937& random, int workers_most, int n_most) {
    const placing where = all_placings[random() % 4];
    const int workers = 1 + static_cast<int>(random() % static_cast<unsigned>(workers_most));
    search_problem of = on_workers(where, workers, 1 + static_cast<int>(random() % static_cast<unsigned>(n_most)),
                                   random_costs(random));
    of.split = random() % 3 != 0;
    of.minimise = random() % 4 == 0 ? objective::span : objective::makespan;
    return of;
}

TEST(search_families, equals_brute_force_on_random_costs) {
    std::mt19937 random(13);
    for (int i = 0; i < dose(40); ++i) {
        search_problem of = small_problem(random, 3, 2);
        if (of.stages > 3 && of.micro_batches > 1) of.stages = 2;
        of.memory = {2.0 + static_cast<double>(random() % 2)};
        if (of.placement == placing::fold && of.stages == 2 && of.split) of.micro_batches = 1;
        const search_result found = search(of);
        const double least = brute(of).least();
        EXPECT_NEAR(of.minimise == objective::span ? found.longest_span : found.makespan, least, 1e-9 * least)
            << words(of);
    }
}

double minimised(const search_problem& of, const search_options& how) {
    const search_result found = search(of, how);
    return of.minimise == objective::span ? found.longest_span : found.makespan;
}

TEST(search_families, a_larger_budget_is_never_worse) {
    std::mt19937 random(17);
    for (int i = 0; i < dose(16); ++i) {
        search_problem of = small_problem(random, 9, 14);
        if (random() % 2 == 0) of.memory = {2.0 + static_cast<double>(random() % 10)};
        double before = std::numeric_limits<double>::infinity();
        for (const std::int64_t evaluations : {1, 7, 40, 90, 200, 450}) {
            const double now = minimised(of, {.seed = 3, .evaluations = evaluations});
            EXPECT_LE(now, before * (1 + 1e-9)) << words(of) << " evaluations " << evaluations;
            before = now;
        }
    }
}

TEST(search_families, more_memory_is_never_worse) {
    std::mt19937 random(19);
    for (int i = 0; i < dose(16); ++i) {
        search_problem of = small_problem(random, 7, 12);
        double before = std::numeric_limits<double>::infinity();
        for (int memory = detail::seek::least_memory(of); memory <= 14; ++memory) {
            of.memory = {static_cast<double>(memory)};
            if (memory == 14) of.memory.clear();
            const double now = minimised(of, {.evaluations = 60});
            EXPECT_LE(now, before * (1 + 1e-9)) << words(of);
            before = now;
        }
    }
}

/// However little time there is, the result is lawful and comes in time: checked by a count of looks at the clock, not
/// by the clock.
TEST(search_families, ends_as_soon_as_it_is_told_to) {
    for (const placing where : all_placings) {
        search_problem of = on_workers(where, 48, 96, cost_of(1, 1, 1, 0.1));
        int calls = 0;
        const search_result found = search(of, {.progress = [&](const search_progress& at) {
                                               EXPECT_GT(at.makespan, 0);
                                               return ++calls < 1;
                                           }});
        EXPECT_EQ(calls, 1);
        EXPECT_TRUE(found.cut_short);
        EXPECT_TRUE(verify(found.order).ok());
    }
}

}  // namespace
