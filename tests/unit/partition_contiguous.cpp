// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/contiguous.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

double slowest(const std::vector<double>& seconds, const std::vector<int>& cuts,
               const std::vector<double>& sends = {}) {
    double most = 0;
    for (int s = 0; s + 1 < static_cast<int>(cuts.size()); ++s) {
        const int end = cuts[static_cast<std::size_t>(s) + 1];
        const bool sent = !sends.empty() && end < static_cast<int>(seconds.size());
        most = std::max(most, sum(seconds, cuts, s) + (sent ? sends[static_cast<std::size_t>(end) - 1] : 0));
    }
    return most;
}

void agrees(const std::vector<double>& seconds, int stages, const std::vector<double>& sends) {
    const int layers = static_cast<int>(seconds.size());
    double best = none, best_sent = none;
    each_cut(layers, stages, [&](const std::vector<int>& cuts) {
        best = std::min(best, slowest(seconds, cuts));
        best_sent = std::min(best_sent, slowest(seconds, cuts, sends));
    });
    for (const auto& cuts :
         {partition(seconds, stages), partition(seconds, stages, tie::first), partition_by_table(seconds, stages)}) {
        ASSERT_TRUE(well_formed(cuts, layers, stages));
        ASSERT_EQ(slowest(seconds, cuts), best);
        ASSERT_EQ(bottleneck(seconds, cuts), best);
    }
    const auto cuts = partition_by_table(seconds, stages, sends);
    ASSERT_TRUE(well_formed(cuts, layers, stages));
    ASSERT_EQ(slowest(seconds, cuts, sends), best_sent);
    ASSERT_EQ(bottleneck(seconds, cuts, sends), best_sent);
}

TEST(partition_contiguous, every_small_case_of_three_weights) {
    draw any(7);
    for (int layers = 1; layers <= 7; ++layers) {
        int cases = 1;
        for (int i = 0; i < layers; ++i) cases *= 3;
        for (int code = 0; code < cases; ++code) {
            std::vector<double> seconds;
            for (int i = 0, rest = code; i < layers; ++i, rest /= 3)
                seconds.push_back(rest % 3 * (rest % 3));  // 0, 1, 4
            for (int stages = 1; stages <= std::min(layers, 5); ++stages) agrees(seconds, stages, any.list(layers, 3));
        }
    }
}

TEST(partition_contiguous, random_cases) {
    draw any(1);
    for (int i = 0; i < 5000; ++i) {
        const int layers = any(1, 10);
        agrees(any.list(layers, any(0, 1) ? 5 : 1000), any(1, std::min(layers, 5)), any.list(layers, any(0, 400)));
    }
}

/// Largest stage as differences of prefix sums give it: what both algorithms promise to minimise, to the last bit.
double slowest_by_sums(const std::vector<double>& seconds, const std::vector<int>& cuts) {
    std::vector<double> before{0};
    for (const double x : seconds) before.push_back(before.back() + x);
    double most = 0;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s)
        most =
            std::max(most, before[static_cast<std::size_t>(cuts[s + 1])] - before[static_cast<std::size_t>(cuts[s])]);
    return most;
}

TEST(partition_contiguous, probe_and_table_agree_to_the_last_bit) {
    std::mt19937_64 engine(3);
    for (int i = 0; i < 400; ++i) {
        const int layers = 2 + static_cast<int>(engine() % 600);
        const int stages = 1 + static_cast<int>(engine() % static_cast<unsigned>(layers));
        std::vector<double> seconds;
        const double spread = i % 4 * 5;  // weights from equal to 15 powers of ten apart
        for (int l = 0; l < layers; ++l)
            seconds.push_back(std::pow(10, -spread * std::uniform_real_distribution<>(0, 1)(engine)));
        const double probe = slowest_by_sums(seconds, partition(seconds, stages));
        ASSERT_EQ(probe, slowest_by_sums(seconds, partition(seconds, stages, tie::first)));
        ASSERT_EQ(probe, slowest_by_sums(seconds, partition_by_table(seconds, stages)));
    }
}

TEST(partition_contiguous, even_shares_what_the_bottleneck_leaves_open) {
    const std::vector<double> seconds{6, 1, 1, 1, 1, 1, 1};
    EXPECT_THAT(partition(seconds, 3), testing::ElementsAre(0, 1, 4, 7));
    EXPECT_THAT(partition(seconds, 3, tie::first), testing::ElementsAre(0, 1, 6, 7));
    const std::vector<double> zeros(5, 0.0);
    EXPECT_TRUE(well_formed(partition(zeros, 5), 5, 5));
    const std::vector<double> alike(96, 0.1);
    const auto cuts = partition(alike, 32);
    for (int s = 0; s <= 32; ++s) EXPECT_EQ(cuts[static_cast<std::size_t>(s)], 3 * s);
}

template <class F>
std::string refusal_of(F f) {
    try {
        f();
    } catch (const chimera::chimera_error& e) {
        return e.what();
    }
    return "";
}

TEST(partition_contiguous, refuses_what_has_no_cut) {
    const std::vector<double> three{1, 2, 3};
    const auto of = [&](std::vector<double> seconds, int stages) {
        std::string first = refusal_of([&] { (void)partition(seconds, stages); });
        EXPECT_EQ(first, refusal_of([&] { (void)partition_by_table(seconds, stages); }));
        EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 0);
        return first;
    };
    EXPECT_EQ(of(three, 4),
              "4 stages are more than the 3 layers (every stage holds at least one) use 3 stages at most");
    EXPECT_EQ(of({}, 1), "there are no layers (every stage holds at least one) give at least one");
    EXPECT_EQ(of(three, 0), "stages must be at least 1 (a pipeline needs a stage)");
    EXPECT_EQ(of(three, -2), "stages must be at least 1 (a pipeline needs a stage)");
    for (const double bad : {-1.0, std::numeric_limits<double>::quiet_NaN(), none, -none})
        EXPECT_THAT(of({1, bad, 3}, 2), testing::StartsWith("the seconds of layer 1 cannot be used (")) << bad;
    EXPECT_THAT(of({1e308, 1e308}, 2), testing::StartsWith("the seconds of layer 1 cannot be used ("));
    const std::vector<double> two{1, 2}, negative{1, -2, 0};
    EXPECT_THAT(refusal_of([&] { (void)partition_by_table(three, 2, two); }),
                testing::StartsWith("the list of boundary costs has 2 numbers (3 are needed)"));
    EXPECT_THAT(refusal_of([&] { (void)partition_by_table(three, 2, negative); }),
                testing::StartsWith("the boundary cost of layer 1 cannot be used"));
}

}  // namespace
