// SPDX-License-Identifier: Apache-2.0
// Parts of a configuration's time and memory, beside its simulation, and what single changes make of it.

#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/model/gpt2.hpp>
#include <chimera/plan/breakdown.hpp>
#include <chimera/plan/single_changes.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

using namespace chimera;

namespace {

cluster some_nodes(int nodes, int each) {
    cluster out;
    out.nodes = nodes;
    out.workers_per_node = each;
    out.each = a100_nodes;
    out.each.blocking = 0.3;
    out.each.step_overhead = 0.01;
    return out;
}

/// Of odd and even sizes; nothing that the family or the model refuses.
configuration random_choice(std::mt19937& random, int layers) {
    const auto roll = [&](int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    };
    for (;;) {
        const auto which = static_cast<family>(roll(0, static_cast<int>(family_labels.size()) - 1));
        const auto specs = variants(which, roll(1, 6), roll(1, 13), layers);
        if (specs.empty()) continue;
        configuration out;
        out.schedule = specs[random() % specs.size()];
        if (out.schedule.refused() != refusal::none) continue;
        out.width = roll(1, 3);
        out.tensor = 1 << roll(0, 2);
        out.micro_batch = roll(1, 3);
        out.zero = roll(0, 3);
        constexpr recompute_mode modes[] = {recompute_mode::none, recompute_mode::selective, recompute_mode::layers,
                                            recompute_mode::full};
        out.recompute = modes[roll(0, 3)];
        out.sequence_parallel = roll(0, 1) == 0;
        out.continuous = asynchronous(which) && roll(0, 1) == 0;
        out.synchronisation = static_cast<reduction_start>(roll(0, 2));
        return out;
    }
}

/// The mean seconds in which a worker runs a slot, in the simulation.
double busy_mean(const model& network, const cluster& on, configuration choice) {
    order_cache orders;
    estimator estimate(network, on, orders);
    (void)estimate(choice);
    double busy = 0;
    const timeline& played = estimate.steps().played();
    for (int w = 0; w < played.head.workers; ++w) {
        double ended = 0;  // the slots of a pair run at the same time
        for (const step& s : played.row(w)) {
            busy += std::max(0.0, s.end - std::max(ended, s.begin));
            ended = std::max(ended, s.end);
        }
    }
    return busy / played.head.workers;
}

}  // namespace

TEST(breakdown, parts_are_those_of_the_simulation_and_add_up) {
    std::mt19937 random(77);
    const model network = gpt2({.layers = 22, .heads = 8, .channels = 512});
    order_cache orders;
    for (int k = 0; k < 400; ++k) {
        const cluster on = some_nodes(1 + static_cast<int>(random() % 3), 40);
        configuration choice = random_choice(random, 24);
        const breakdown b = break_down(network, on, choice, orders);
        const std::string what = label_of(choice.schedule) + ", " + std::to_string(choice.schedule.stages) +
                                 " stages, " + std::to_string(choice.schedule.micro_batches) + " micro-batches";
        double sum = 0;
        for (const double part : {b.products, b.recompute, b.exchanges, b.messages, b.sharded, b.bubbles, b.reductions,
                                  b.updates, b.overhead}) {
            EXPECT_GE(part, -1e-9 * b.found.seconds) << what;
            sum += part;
        }
        EXPECT_NEAR(sum, b.found.seconds, 1e-9 * b.found.seconds) << what;
        EXPECT_NEAR(b.state.total() + b.activations, b.found.memory, 1) << what;
        if (choice.tensor == 1) {
            EXPECT_EQ(b.exchanges, 0) << what;
        }
        if (choice.zero < 2) {
            EXPECT_EQ(b.sharded, 0) << what;
        }

        // What the slots that were played say, with each part and without it.
        const double busy = busy_mean(network, on, choice);
        const double passes = b.products + b.recompute + b.exchanges + b.messages + b.sharded;
        cluster unblocked = on;
        unblocked.each.blocking = 0;
        EXPECT_NEAR(b.messages, busy - busy_mean(network, unblocked, choice), 1e-9 * busy) << what;
        configuration whole = choice;
        whole.zero = std::min(choice.zero, 1);
        if (choice.zero > 1) {
            EXPECT_NEAR(b.sharded, busy - busy_mean(network, on, whole), 1e-9 * busy) << what;
        }
        EXPECT_NEAR(passes, busy, 1e-9 * passes) << what;
    }
}

TEST(breakdown, changes_differ_in_one_thing_and_take_what_the_estimator_says) {
    std::mt19937 random(8);
    const model network = gpt2({.layers = 22, .heads = 8, .channels = 512});
    plan_request asked;
    asked.tensors = {1, 2, 4};
    std::size_t tried = 0;
    for (int k = 0; k < 40; ++k) {
        order_cache orders;
        const cluster on = some_nodes(2, 36);
        configuration given = random_choice(random, 24);
        (void)break_down(network, on, given, orders);
        double last = 0;
        std::set<std::string> kinds;
        for (const single_change& c : single_changes(network, on, asked, given, orders)) {
            EXPECT_LE(last, c.found.seconds);
            last = c.found.seconds;
            EXPECT_TRUE(kinds.insert(c.what.substr(0, c.what.find(' '))).second ||
                        c.what.find("together") != std::string::npos)
                << c.what;
            EXPECT_EQ(c.with.samples(), given.samples()) << c.what;
            EXPECT_EQ(c.with.workers(), given.workers()) << c.what;
            const int changed = (c.with.schedule.which != given.schedule.which ||
                                 label_of(c.with.schedule) != label_of(given.schedule) ||
                                 c.with.schedule.workers() != given.schedule.workers()) +
                                (c.with.tensor != given.tensor) + (c.with.micro_batch != given.micro_batch) +
                                (c.with.recompute != given.recompute) + (c.with.zero != given.zero) +
                                (c.with.synchronisation != given.synchronisation) + (c.with.order != given.order);
            EXPECT_EQ(changed, 1) << c.what;
            configuration same = c.with;
            estimator estimate(network, on, orders);
            EXPECT_DOUBLE_EQ(estimate(same).seconds, c.found.seconds) << c.what;
            ++tried;
        }
    }
    EXPECT_GT(tried, 150U);
}
