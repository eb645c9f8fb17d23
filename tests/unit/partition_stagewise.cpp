// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/mode_per_stage.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

struct kind {
    std::vector<double> seconds, bytes, once;
    double each = 0, whole = 0;
};
struct job {
    std::vector<double> seconds, state, in_flight, reserved, versions;
    std::vector<kind> kinds;
    double capacity = 0;

    int layers() const { return static_cast<int>(seconds.size()); }
    int stages() const { return static_cast<int>(in_flight.size()); }
    double time(const std::vector<int>& cuts, int s, const kind& k) const {
        return sum(seconds, cuts, s) + sum(k.seconds, cuts, s);
    }
    double bytes(const std::vector<int>& cuts, int s, const kind& k) const {
        const auto at = static_cast<std::size_t>(s);
        return reserved[at] + versions[at] * sum(state, cuts, s) + in_flight[at] * (sum(k.bytes, cuts, s) + k.each) +
               sum(k.once, cuts, s) + k.whole;
    }
    stagewise_partition answer() const {
        std::vector<stage_mode> modes;
        for (const kind& k : kinds) modes.push_back({k.seconds, k.bytes, k.once, k.each, k.whole});
        return partition_stagewise(seconds, stages(), {state, modes, in_flight, capacity, reserved, versions});
    }
};

/// None: most memory, no time; then modes that take more time, and mostly less memory.
job any_job(draw& any) {
    job out;
    const int layers = any(1, 9);
    const int stages = any(1, std::min(layers, 5));
    out.seconds = any.list(layers, 9);
    out.state = any.list(layers, 5);
    out.in_flight = any.list(stages, 4);
    out.reserved = any.list(stages, 3);
    out.versions = any.list(stages, 3);
    const int kinds = any(1, 3);
    for (int k = 0; k < kinds; ++k)
        out.kinds.push_back({any.list(layers, 3 * k), any.list(layers, 9 - 4 * k), any.list(layers, 2 * k),
                             double(any(0, 2)), double(any(0, 4))});
    return out;
}

TEST(partition_stagewise, random_cases_at_every_capacity) {
    draw any(51);
    int refused = 0, chosen = 0;
    for (int i = 0; i < 4000; ++i) {
        job of = any_job(any);
        of.capacity = any(0, 60);
        double best = none, missing = none;
        each_cut(of.layers(), of.stages(), [&](const std::vector<int>& cuts) {
            double slowest = 0, lacks = -none;
            for (int s = 0; s < of.stages(); ++s) {
                double time = none, over = none;
                for (const kind& k : of.kinds) {
                    over = std::min(over, of.bytes(cuts, s, k) - of.capacity);
                    if (of.bytes(cuts, s, k) <= of.capacity) time = std::min(time, of.time(cuts, s, k));
                }
                slowest = std::max(slowest, time);
                lacks = std::max(lacks, over);
            }
            best = std::min(best, slowest);
            missing = std::min(missing, lacks);
        });
        const auto got = of.answer();
        ASSERT_EQ(got.fits(), best < none);
        if (!got.fits()) {
            ++refused;
            ASSERT_EQ(got.missing, missing);
            continue;
        }
        ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages()));
        ASSERT_EQ(got.seconds, best);
        double slowest = 0;
        for (int s = 0; s < of.stages(); ++s) {
            const kind& k = of.kinds[got.modes[static_cast<std::size_t>(s)]];
            ASSERT_LE(of.bytes(got.cuts, s, k), of.capacity);
            slowest = std::max(slowest, of.time(got.cuts, s, k));
            chosen += got.modes[static_cast<std::size_t>(s)] > 0;
        }
        ASSERT_EQ(slowest, best);
    }
    EXPECT_GT(refused, 200);
    EXPECT_GT(chosen, 500);
}

TEST(partition_stagewise, refuses_lists_that_do_not_match) {
    const std::vector<double> two{1, 1}, one{1}, flight{1, 1};
    const std::vector<stage_mode> plain(1), wrong{{one, {}, {}, 0, 0}};
    const auto text = [&](const stagewise_limits& under) {
        try {
            (void)partition_stagewise(two, 2, under);
        } catch (const chimera::chimera_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    EXPECT_EQ(text({two, plain, flight, 9, {}, {}}), "");
    EXPECT_THAT(text({one, plain, flight, 9, {}, {}}), testing::StartsWith("the list of state bytes has 1 numbers"));
    EXPECT_THAT(text({two, {}, flight, 9, {}, {}}), testing::StartsWith("a stage has 1 to 255 modes"));
    EXPECT_THAT(text({two, plain, {}, 9, {}, {}}), testing::StartsWith("the list of micro-batches in flight"));
    EXPECT_THAT(text({two, wrong, flight, 9, {}, {}}), testing::StartsWith("the extra seconds of layer has 1 numbers"));
    EXPECT_THAT(text({two, plain, flight, -1, {}, {}}), testing::StartsWith("the memory of a worker is negative"));
}

}  // namespace
