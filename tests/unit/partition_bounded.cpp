// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/memory_bounded.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

struct job {
    std::vector<double> seconds, state, activations, in_flight, reserved;
    int stages = 1;
    double capacity = 0;

    int layers() const { return static_cast<int>(seconds.size()); }
    memory_limits limits() const { return {state, activations, in_flight, capacity, reserved}; }
    double bytes(const std::vector<int>& cuts, int s) const {
        const auto at = static_cast<std::size_t>(s);
        return (reserved.empty() ? 0 : reserved[at]) + sum(state, cuts, s) + in_flight[at] * sum(activations, cuts, s);
    }
    double most_bytes(const std::vector<int>& cuts) const {
        double most = 0;
        for (int s = 0; s < stages; ++s) most = std::max(most, bytes(cuts, s));
        return most;
    }
    double slowest(const std::vector<int>& cuts) const {
        double most = 0;
        for (int s = 0; s < stages; ++s) most = std::max(most, sum(seconds, cuts, s));
        return most;
    }
};

job any_job(draw& any) {
    job out;
    const int layers = any(1, 10);
    out.stages = any(1, std::min(layers, 5));
    out.seconds = any.list(layers, 9);
    out.state = any.list(layers, 9);
    out.activations = any.list(layers, 9);
    out.in_flight = any.list(out.stages, 4);
    if (any(0, 1))  // as 1F1B has it
        for (int s = 0; s < out.stages; ++s) out.in_flight[static_cast<std::size_t>(s)] = std::min(out.stages - s, 3);
    if (any(0, 2) == 0) out.reserved = any.list(out.stages, 9);
    return out;
}

struct bounded_truth {
    double seconds = none;
    double bytes = none;
};
bounded_truth brute_bounded(const job& of) {
    bounded_truth out;
    each_cut(of.layers(), of.stages, [&](const std::vector<int>& cuts) {
        const double bytes = of.most_bytes(cuts);
        out.bytes = std::min(out.bytes, bytes);
        if (bytes <= of.capacity) out.seconds = std::min(out.seconds, of.slowest(cuts));
    });
    return out;
}

void agrees(const job& of, const bounded_truth& want, int& refused) {
    for (const auto& got :
         {bounded(of.seconds, of.stages, of.limits()), bounded(of.seconds, of.stages, of.limits(), tie::first),
          bounded_by_table(of.seconds, of.stages, of.limits())}) {
        if (want.seconds == none) {
            ++refused;
            ASSERT_FALSE(got.fits());
            ASSERT_EQ(got.missing, want.bytes - of.capacity);
            ASSERT_TRUE(got.stage >= 0 && got.stage < of.stages);
        } else {
            ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages));
            ASSERT_EQ(got.seconds, want.seconds);
            ASSERT_EQ(of.slowest(got.cuts), want.seconds);
            ASSERT_LE(of.most_bytes(got.cuts), of.capacity);
        }
    }
}

/// At every capacity from far too little to plenty, so that the tightest ones are among them.
TEST(partition_bounded, random_cases_at_every_capacity) {
    draw any(5);
    int refused = 0;
    for (int i = 0; i < 600; ++i) {
        job of = any_job(any);
        const double least = brute_bounded(of).bytes;
        for (const double more : {-100.0, -7.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 1000.0}) {
            of.capacity = least + more;
            if (of.capacity < 0) continue;
            agrees(of, brute_bounded(of), refused);
            if (HasFatalFailure()) return;
        }
    }
    EXPECT_GT(refused, 1000);
}

TEST(partition_bounded, what_is_missing_is_enough_and_no_less) {
    draw any(6);
    for (int i = 0; i < 2000; ++i) {
        job of = any_job(any);
        const auto first = bounded(of.seconds, of.stages, of.limits());
        if (first.fits()) continue;
        of.capacity = first.missing - 1;
        EXPECT_EQ(bounded(of.seconds, of.stages, of.limits()).missing, 1);
        of.capacity = first.missing;
        EXPECT_TRUE(bounded(of.seconds, of.stages, of.limits()).fits());
    }
}

TEST(partition_bounded, bisection_and_table_agree_on_large_ones) {
    draw any(8);
    for (int i = 0; i < 60; ++i) {
        job of;
        const int layers = any(100, 900);
        of.stages = any(2, 40);
        of.seconds = any.list(layers, 1000);
        of.state = any.list(layers, 1000);
        of.activations = any.list(layers, 100);
        for (int s = 0; s < of.stages; ++s) of.in_flight.push_back(of.stages - s);
        of.capacity = 1e300;
        const auto free = bounded(of.seconds, of.stages, of.limits());
        of.capacity = of.most_bytes(free.cuts) * any(60, 100) / 100;
        const auto a = bounded(of.seconds, of.stages, of.limits());
        const auto b = bounded_by_table(of.seconds, of.stages, of.limits());
        ASSERT_EQ(a.fits(), b.fits());
        ASSERT_EQ(a.seconds, b.seconds);
        ASSERT_EQ(a.missing, b.missing);
        if (a.fits()) {
            ASSERT_EQ(of.slowest(a.cuts), of.slowest(b.cuts));
        }
    }
}

TEST(partition_bounded, says_what_is_missing) {
    const std::vector<double> seconds{1, 1, 1, 1}, state{10, 10, 10, 10}, activations{5, 5, 5, 5}, in_flight{2, 1};
    const memory_limits under{state, activations, in_flight, 34, {}};  // 40 + 0 at 2 : 2, 20 + 45 at 1 : 3
    try {
        (void)partition(seconds, 2, under);
        FAIL() << "no refusal";
    } catch (const chimera::chimera_error& e) {
        EXPECT_STREQ(e.what(),
                     "no cut into 2 stages fits (stage 0 lacks at least 6 bytes) use workers of 40 bytes or more, more "
                     "stages, or recompute");
    }
    EXPECT_THAT(partition(seconds, 2, memory_limits{state, activations, in_flight, 40, {}}),
                testing::ElementsAre(0, 2, 4));
}

TEST(partition_bounded, refuses_lists_that_do_not_match) {
    const std::vector<double> two{1, 1}, one{1}, bad{1, -1};
    const auto text = [&](const memory_limits& under) {
        try {
            (void)bounded(two, 2, under);
        } catch (const chimera::chimera_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    EXPECT_THAT(text({one, two, two, 9, {}}),
                testing::StartsWith("the list of state bytes has 1 numbers (2 are needed)"));
    EXPECT_THAT(text({two, one, two, 9, {}}), testing::StartsWith("the list of activation bytes"));
    EXPECT_THAT(text({two, two, one, 9, {}}), testing::StartsWith("the list of micro-batches in flight"));
    EXPECT_THAT(text({two, two, two, 9, one}), testing::StartsWith("the list of reserved bytes"));
    EXPECT_THAT(text({two, two, bad, 9, {}}), testing::StartsWith("the micro-batches in flight of stage 1"));
    EXPECT_THAT(text({two, bad, two, 9, {}}), testing::StartsWith("the activation bytes of layer 1"));
    EXPECT_THAT(text({two, two, two, -1, {}}), testing::StartsWith("the memory of a worker is negative"));
}

}  // namespace
