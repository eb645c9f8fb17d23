// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/heterogeneous.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

struct job {
    std::vector<double> seconds, state, activations, in_flight, outputs;
    std::vector<device> workers;

    int layers() const { return static_cast<int>(seconds.size()); }
    int stages() const { return static_cast<int>(workers.size()); }
    layer_needs needs() const { return {seconds, state, activations, in_flight, outputs}; }
    const device& on(const std::vector<int>& order, int s) const {
        return workers[static_cast<std::size_t>(order[static_cast<std::size_t>(s)])];
    }
    double slowest(const std::vector<int>& cuts, const std::vector<int>& order) const {
        double most = 0;
        for (int s = 0; s < stages(); ++s) {
            const int end = cuts[static_cast<std::size_t>(s) + 1];
            const double sent = end == layers() || outputs.empty() ? 0 : outputs[static_cast<std::size_t>(end) - 1];
            most = std::max(most, sum(seconds, cuts, s) / on(order, s).speed + on(order, s).link * sent);
        }
        return most;
    }
    /// Bytes that the worker that lacks most has too few; negative where all have some over.
    double missing(const std::vector<int>& cuts, const std::vector<int>& order) const {
        double most = -none;
        for (int s = 0; s < stages(); ++s) {
            const double live = in_flight.empty() ? 1 : in_flight[static_cast<std::size_t>(s)];
            const double kept = activations.empty() ? 0 : sum(activations, cuts, s);
            const double held = state.empty() ? 0 : sum(state, cuts, s);
            most = std::max(most, held + live * kept - on(order, s).capacity);
        }
        return most;
    }
};

job any_job(draw& any, int most_layers, int most_stages) {
    job out;
    const int layers = any(1, most_layers);
    const int stages = any(1, std::min(layers, most_stages));
    out.seconds = any.list(layers, 12);
    if (any(0, 2)) out.state = any.list(layers, 5);
    if (any(0, 2)) out.activations = any.list(layers, 5);
    if (any(0, 1)) out.in_flight = any.list(stages, 3);
    if (any(0, 1)) out.outputs = any.list(layers, 4);
    const int types = any(1, 3);
    std::vector<device> kinds;
    for (int t = 0; t < types; ++t) {
        const double speed = 1 << any(0, 2), link = any(0, 2);
        const double capacity = any(0, 3) ? any(5, 40) : none;
        kinds.push_back({speed, capacity, link});
    }
    for (int s = 0; s < stages; ++s) out.workers.push_back(kinds[static_cast<std::size_t>(any(0, types - 1))]);
    return out;
}

TEST(partition_heterogeneous, given_order) {
    draw any(21);
    int refused = 0;
    for (int i = 0; i < 20000; ++i) {
        const job of = any_job(any, 10, 5);
        std::vector<int> order(of.workers.size());
        std::iota(order.begin(), order.end(), 0);
        double best = none, missing = none;
        each_cut(of.layers(), of.stages(), [&](const std::vector<int>& cuts) {
            const double lacks = of.missing(cuts, order);
            missing = std::min(missing, lacks);
            if (lacks <= 0) best = std::min(best, of.slowest(cuts, order));
        });
        const auto got = heterogeneous(of.needs(), of.workers);
        ASSERT_EQ(got.fits(), best < none);
        if (!got.fits()) {
            ++refused;
            ASSERT_EQ(got.missing, missing);
            continue;
        }
        ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages()));
        ASSERT_EQ(got.seconds, best);
        ASSERT_EQ(got.order, order);
        ASSERT_EQ(of.slowest(got.cuts, order), best);
        ASSERT_LE(of.missing(got.cuts, order), 0);
    }
    EXPECT_GT(refused, 1000);
}

TEST(partition_heterogeneous, best_order_of_all) {
    draw any(22);
    int refused = 0, moved = 0;
    for (int i = 0; i < 4000; ++i) {
        const job of = any_job(any, 8, 5);
        std::vector<int> order(of.workers.size());
        std::iota(order.begin(), order.end(), 0);
        const auto as_given = heterogeneous(of.needs(), of.workers);
        double best = none;
        do {
            each_cut(of.layers(), of.stages(), [&](const std::vector<int>& cuts) {
                if (of.missing(cuts, order) <= 0) best = std::min(best, of.slowest(cuts, order));
            });
        } while (std::next_permutation(order.begin(), order.end()));
        const auto got = best_order(of.needs(), of.workers);
        ASSERT_EQ(got.fits(), best < none);
        if (!got.fits()) {
            ++refused;
            continue;
        }
        moved += !as_given.fits() || as_given.seconds > best;
        ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages()));
        ASSERT_TRUE(std::is_permutation(order.begin(), order.end(), got.order.begin(), got.order.end()));
        ASSERT_EQ(got.seconds, best);
        ASSERT_EQ(of.slowest(got.cuts, got.order), best);
        ASSERT_LE(of.missing(got.cuts, got.order), 0);
    }
    EXPECT_GT(refused, 100);
    EXPECT_GT(moved, 200);
}

TEST(partition_heterogeneous, alike_workers_are_the_homogeneous_case) {
    draw any(23);
    for (int i = 0; i < 50; ++i) {
        const auto seconds = any.list(any(50, 300), 1000);
        const std::vector<device> workers(static_cast<std::size_t>(any(1, 30)));
        const double want = bottleneck(seconds, partition(seconds, static_cast<int>(workers.size())));
        EXPECT_EQ(heterogeneous({seconds, {}, {}, {}, {}}, workers).seconds, want);
        EXPECT_EQ(best_order({seconds, {}, {}, {}, {}}, workers).seconds, want);
    }
}

TEST(partition_heterogeneous, refuses_workers_that_cannot_be) {
    const std::vector<double> seconds{1, 2, 3};
    const auto text = [&](const device& bad) {
        try {
            (void)heterogeneous({seconds, {}, {}, {}, {}}, std::vector<device>{{}, bad});
        } catch (const chimera::chimera_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double speed : {0.0, -1.0, none, nan})
        EXPECT_THAT(text({speed, 1, 0}), testing::StartsWith("the speed of worker 1 cannot be used ("));
    for (const double link : {-1.0, none, nan})
        EXPECT_THAT(text({1, 1, link}), testing::StartsWith("the link of worker 1 cannot be used ("));
    for (const double capacity : {-1.0, nan})
        EXPECT_THAT(text({1, capacity, 0}), testing::StartsWith("the memory of worker 1 cannot be used ("));
    EXPECT_THROW((void)heterogeneous({seconds, {}, {}, {}, {}}, {}), chimera::chimera_error);
    std::vector<device> all;
    for (int w = 0; w < 25; ++w) all.push_back({1.0 + w, 1, 0});
    const std::vector<double> many(100, 1.0);
    EXPECT_THROW((void)best_order({many, {}, {}, {}, {}}, all), chimera::chimera_error);
}

}  // namespace
