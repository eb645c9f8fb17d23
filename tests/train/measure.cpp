// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <chimera/program/lower.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/io/family_options.hpp>

#include <cmath>

using namespace chimera;
using namespace chimera::executor;

namespace {

program made(chimera::scale scale) {
    family_options options;
    options.which = chimera::family::bidirectional;
    options.stages = 4;
    options.micro_batches = 8;
    options.scale = scale;
    return lower(make_schedule(options));
}

TEST(median, is_the_middle) {
    EXPECT_EQ(median({}), 0);
    EXPECT_EQ(median({3}), 3);
    EXPECT_EQ(median({9, 1, 5}), 5);
    EXPECT_EQ(median({9, 1, 5, 7}), 5);
}

TEST(fit, finds_the_costs_that_made_a_timeline) {
    for (const auto scale : {chimera::scale::direct, chimera::scale::doubling, chimera::scale::halving})
        for (const int cores : {0, 2}) {
            const auto program = made(scale);
            costs c;
            c.forward = std::vector<double>{1, 1.5, 2, 2.5};
            c.backward = std::vector<double>{2, 2.5, 4, 4.5};
            c.update = 0.25;
            const auto played = simulate(program, c, cores);
            const auto found = fit_costs(std::vector<timeline>{played, played});
            for (int s = 0; s < 4; ++s) {
                EXPECT_NEAR(found.each.forward[s], c.forward[s], 1e-9);
                EXPECT_NEAR(found.each.backward[s], c.backward[s], 1e-9);
                EXPECT_NEAR(found.each.update[s], 0.25, 1e-9);
                EXPECT_NEAR(found.each.reduce.seconds[s], 0, 1e-9);
            }
            EXPECT_NEAR(found.hand_over, 0, 1e-9);
            EXPECT_NEAR(metrics(simulate_fitted(program, found, cores)).makespan, metrics(played).makespan, 1e-6);
        }
}

TEST(fit, a_hand_over_before_every_step_is_found_and_predicted) {
    const auto program = made(chimera::scale::direct);
    fitted_costs truth;
    truth.each.forward = 1;
    truth.each.backward = 2;
    truth.each.update = 0.5;
    truth.hand_over = 0.125;
    const auto measured = simulate_fitted(program, truth, 2);
    const auto found = fit_costs(std::vector<timeline>{measured});
    EXPECT_NEAR(found.each.forward[1], 1, 1e-9);
    EXPECT_NEAR(found.each.backward[2], 2, 1e-9);
    EXPECT_NEAR(found.hand_over, 0.125, 0.02);
    const auto again = metrics(simulate_fitted(program, found, 2)), wanted = metrics(measured);
    EXPECT_NEAR(again.makespan, wanted.makespan, 0.02 * wanted.makespan);
    EXPECT_NEAR(again.bubble_ratio, wanted.bubble_ratio, 0.02);
}

TEST(record, keeps_medians_and_a_typical_iteration) {
    const auto program = made(chimera::scale::direct);
    iteration_record record;
    for (const double seconds : {1.0, 3.0, 2.0, 2.5, 9.0}) {
        costs c;
        c.forward = seconds;
        c.backward = seconds;
        record.add(simulate(program, c));
    }
    // 2N + D - 2 = 18 ticks of the median cost
    EXPECT_NEAR(record.makespan(), 18 * 2.5, 1e-9);
    EXPECT_NEAR(metrics(record.typical()).makespan, 18 * 2.0, 1e-9);
}

}  // namespace
