// SPDX-License-Identifier: Apache-2.0
// The exact search against brute force, the heuristic against the exact search, both against their bounds.
#include "search_brute.hpp"
#include "search_support.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

using namespace search_test;

double exact_least(const search_problem& of) {
    const auto in = detail::seek::lay_out(of);
    detail::seek::exact_search exact(in, 1e6, 10'000'000);
    EXPECT_TRUE(exact.run()) << words(of);
    EXPECT_TRUE(exact.found()) << words(of);
    return exact.length();
}

void check_brute(search_problem of, double memory) {
    for (const costs& cost : three_costs(of.stages))
        for (const placing where : all_placings)
            for (const objective aim : {objective::makespan, objective::span}) {
                if (!fits(where, of.stages)) continue;
                of.cost = cost;
                of.placement = where;
                of.minimise = aim;
                of.memory = {where == placing::fold || where == placing::loop ? std::max(memory, 2.0) : memory};
                const double least = brute(of).least();
                EXPECT_NEAR(exact_least(of), least, 1e-9 * least) << words(of);
                const auto in = detail::seek::lay_out(of);
                const auto limits = detail::seek::find_bounds(in);
                EXPECT_LE(aim == objective::span ? limits.span : limits.makespan, least * (1 + 1e-12)) << words(of);
            }
}

TEST(search_exact, equals_brute_force_two_by_two) {
    for (const double memory : {1.0, 2.0, 4.0})
        for (const bool split : {true, false}) check_brute({.stages = 2, .micro_batches = 2, .split = split}, memory);
}
TEST(search_exact, equals_brute_force_three_stages) {
    for (const double memory : {1.0, 2.0})
        for (const bool split : {true, false}) check_brute({.stages = 3, .micro_batches = 2, .split = split}, memory);
}
TEST(search_exact, equals_brute_force_three_micro_batches) {
    for (const double memory : {1.0, 2.0, 3.0}) check_brute({.stages = 2, .micro_batches = 3, .split = false}, memory);
    search_problem of{.stages = 2, .micro_batches = 3, .cost = three_costs(2)[2], .memory = {2}};
    EXPECT_NEAR(exact_least(of), brute(of).least(), 1e-9);
    of.placement = placing::overlay;
    EXPECT_NEAR(exact_least(of), brute(of).least(), 1e-9);
}
TEST(search_exact, equals_brute_force_one_unit) {
    for (const int stages : {1, 2, 3, 4}) check_brute({.stages = stages, .micro_batches = 1}, 2);
}

/// What the heuristic finds by itself and what branch and bound proves, for every D <= 4, N <= 6, placement and cost.
void check_agreement(const std::vector<double>& rooms, objective aim, bool split, std::int64_t evaluations = 0) {
    int instances = 0;
    for (int stages = 1; stages <= 4; ++stages)
        for (int n = 1; n <= 6; ++n)
            for (const costs& cost : three_costs(stages))
                for (const placing where : all_placings)
                    for (const double room : rooms) {
                        if (!fits(where, stages)) continue;
                        const search_problem of{.stages = stages,
                                                .micro_batches = n,
                                                .cost = cost,
                                                .placement = where,
                                                .split = split,
                                                .memory = {room * std::max(stages, 2)},
                                                .minimise = aim};
                        const auto in = detail::seek::lay_out(of);
                        const search_options how{.evaluations = evaluations};
                        detail::seek::watch clock(how);
                        detail::seek::heuristic looking(in, how, clock);
                        looking.run();
                        const bool span = aim == objective::span;
                        const double found = span ? looking.found().span : looking.found().makespan;
                        detail::seek::exact_search exact(in, found * (1 + 1e-6), 10'000'000);
                        ASSERT_TRUE(exact.run()) << words(of);
                        ASSERT_TRUE(exact.found()) << words(of);
                        EXPECT_NEAR(exact.length(), found, 1e-9 * found) << words(of);
                        const auto& limits = looking.limits();
                        EXPECT_LE(span ? limits.span : limits.makespan, exact.length() * (1 + 1e-12)) << words(of);
                        ++instances;
                    }
    EXPECT_EQ(instances, 3 * 6 * (2 + 4 + 2 + 4) * static_cast<int>(rooms.size()));
}

TEST(search_exact, agrees_with_the_heuristic) { check_agreement({1.0}, objective::makespan, true); }
TEST(search_exact, agrees_everywhere) {
    if (!std::getenv("CHIMERA_EXHAUSTIVE")) GTEST_SKIP() << "takes minutes: set CHIMERA_EXHAUSTIVE=1";
    for (const bool split : {true, false})
        for (const objective aim : {objective::makespan, objective::span})
            check_agreement({1.0, 1.5, 2.0}, aim, split, 4'000'000);
}

}  // namespace
