// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/local_search.hpp>
#include <chimera/partition/shared_workers/shared.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

struct job {
    std::vector<double> seconds, state, activations, in_flight, reserved;
    std::vector<int> on;
    double capacity = none;

    int layers() const { return static_cast<int>(seconds.size()); }
    int stages() const { return static_cast<int>(on.size()); }
    memory_limits limits() const { return {state, activations, in_flight, capacity, reserved}; }
    double slowest(const std::vector<int>& cuts) const {
        std::vector<double> sums(on.size(), 0.0);
        for (int s = 0; s < stages(); ++s) sums[worker(s)] += sum(seconds, cuts, s);
        return *std::max_element(sums.begin(), sums.end());
    }
    double bytes(const std::vector<int>& cuts) const {
        std::vector<double> sums(on.size(), 0.0);
        for (int s = 0; s < stages(); ++s) {
            const auto at = static_cast<std::size_t>(s);
            sums[worker(s)] += sum(state, cuts, s) + in_flight[at] * sum(activations, cuts, s);
            if (!reserved.empty()) sums[worker(s)] += reserved[at];
        }
        return *std::max_element(sums.begin(), sums.end());
    }

private:
    std::size_t worker(int s) const { return static_cast<std::size_t>(on[static_cast<std::size_t>(s)]); }
};

job any_job(draw& any, int most_layers, int most_stages) {
    job out;
    const int layers = any(1, most_layers);
    const int stages = any(1, std::min(layers, most_stages));
    out.seconds = any.list(layers, 9);
    out.state = any.list(layers, 5);
    out.activations = any.list(layers, 5);
    out.in_flight = any.list(stages, 3);
    if (any(0, 2) == 0) out.reserved = any.list(stages, 5);
    return out;
}

std::vector<int> any_map(draw& any, int stages) {
    std::vector<int> on;
    for (int s = 0; s < stages; ++s) on.push_back(any(0, stages - 1));
    return on;
}

void agrees(const job& of, int& refused) {
    double best = none, least = none;
    each_cut(of.layers(), of.stages(), [&](const std::vector<int>& cuts) {
        const double bytes = of.bytes(cuts);
        least = std::min(least, bytes);
        if (bytes <= of.capacity) best = std::min(best, of.slowest(cuts));
    });
    const auto got = coupled(of.seconds, of.on, of.limits());
    ASSERT_TRUE(got.proven);
    ASSERT_EQ(got.fits(), best < none);
    if (!got.fits()) {
        ++refused;
        ASSERT_EQ(got.missing, least - of.capacity);
        return;
    }
    ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages()));
    ASSERT_EQ(got.seconds, best);
    ASSERT_EQ(got.bound, best);
    ASSERT_EQ(of.slowest(got.cuts), best);
    ASSERT_LE(of.bytes(got.cuts), of.capacity);
}

template <class Map>
void all_capacities(std::uint32_t seed, int cases, int most_stages, Map map) {
    draw any(seed);
    int refused = 0;
    for (int i = 0; i < cases; ++i) {
        job of = any_job(any, 10, most_stages);
        of.on = map(any, static_cast<int>(of.in_flight.size()));
        agrees(of, refused);
        const auto plain = coupled(of.seconds, of.on);
        ASSERT_EQ(plain.seconds, coupled(of.seconds, of.on, of.limits()).seconds);
        double least = none;
        each_cut(of.layers(), of.stages(),
                 [&](const std::vector<int>& cuts) { least = std::min(least, of.bytes(cuts)); });
        for (const double more : {-5.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0}) {
            of.capacity = least + more;
            if (of.capacity >= 0) agrees(of, refused);
            if (testing::Test::HasFatalFailure()) return;
        }
    }
    EXPECT_GT(refused, cases);
}

TEST(partition_coupled, mirrored_pairs) {
    all_capacities(31, 1500, 8, [](draw&, int stages) { return mirrored(stages); });
}
TEST(partition_coupled, round_robin) {
    all_capacities(32, 700, 6, [](draw& any, int stages) { return looped(stages, any(1, stages)); });
}
TEST(partition_coupled, any_map) { all_capacities(33, 700, 5, any_map); }

/// The two searches know nothing of each other.
TEST(partition_coupled, mirror_and_labels_agree_on_larger_ones) {
    draw any(34);
    int compared = 0;
    for (int i = 0; i < 60; ++i) {
        job of = any_job(any, 24, 6);
        of.on = mirrored(static_cast<int>(of.in_flight.size()));
        const auto got = coupled(of.seconds, of.on);
        const std::vector<double> zeros(of.seconds.size(), 0.0), none_(of.on.size(), 0.0);
        const auto stages = detail::make_bounded(of.seconds, of.stages(), {zeros, zeros, none_, unbounded, {}});
        const detail::shared_seconds by{stages, of.on, {}, unbounded, of.layers(), of.stages()};
        detail::label_search search(by, 1 << 20);
        detail::found best;
        detail::improve(search, best);
        ASSERT_TRUE(best.proven);
        ASSERT_TRUE(got.proven);
        ASSERT_EQ(got.seconds, best.value);
        ++compared;
    }
    EXPECT_EQ(compared, 60);
}

/// Equal layers between a light first and a heavy last one, as in a language model.
TEST(partition_coupled, stages_of_a_worker_are_even_where_they_can_be) {
    std::vector<double> seconds(48, 10.0);
    seconds.insert(seconds.begin(), 1.0);
    seconds.push_back(9.0);
    for (const int stages : {4, 8, 16}) {
        const auto got = coupled(seconds, mirrored(stages));
        EXPECT_TRUE(got.proven);
        EXPECT_EQ(got.seconds, 960.0 / stages + 10);  // 48 equal layers over the pairs, and one pair with both ends
        EXPECT_LE(bottleneck(seconds, got.cuts), 1.25 * bottleneck(seconds, partition(seconds, stages)));
    }
}

TEST(partition_coupled, a_bound_where_the_search_is_cut_short) {
    draw any(35);
    job of;
    of.seconds = any.list(60, 1000);
    of.on = looped(12, 4);
    const auto got = coupled(of.seconds, of.on, 64);
    ASSERT_TRUE(got.fits());
    EXPECT_LE(got.bound, got.seconds);
    EXPECT_EQ(of.slowest(got.cuts), got.seconds);
    EXPECT_LE(got.seconds, of.slowest(partition(of.seconds, 12)));
}

TEST(partition_coupled, refuses_workers_that_cannot_be) {
    const std::vector<double> seconds{1, 2, 3};
    const auto text = [&](const std::vector<int>& on) {
        try {
            (void)coupled(seconds, on);
        } catch (const chimera::chimera_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    EXPECT_THAT(text({0, 2}), testing::StartsWith("stage 1 is on worker 2 ("));
    EXPECT_THAT(text({-1, 0}), testing::StartsWith("stage 0 is on worker -1 ("));
    EXPECT_THAT(text({}), testing::StartsWith("stages must be at least 1"));
    EXPECT_THAT(text({0, 1, 1, 0}), testing::StartsWith("4 stages are more than the 3 layers"));
    EXPECT_THROW((void)looped(4, 0), chimera::chimera_error);
}

TEST(shifted, ends_where_no_shift_helps_and_mostly_at_the_best) {
    draw any(7);
    int best = 0, cases = 0;
    for (; cases < 400; ++cases) {
        job of = any_job(any, 12, 6);
        for (double& x : of.seconds) x += 1;
        of.on = any_map(any, static_cast<int>(of.in_flight.size()));
        const std::vector<int> start = partition(of.seconds, of.stages());
        const std::vector<int> found = shift_layers(of.seconds, of.on, start);
        ASSERT_TRUE(well_formed(found, of.layers(), of.stages()));
        EXPECT_LE(of.slowest(found), of.slowest(start));
        const std::vector<double> each = worker_seconds(of.seconds, of.on, found);
        EXPECT_DOUBLE_EQ(*std::max_element(each.begin(), each.end()), of.slowest(found));
        double least = none;
        each_cut(of.layers(), of.stages(),
                 [&](const std::vector<int>& cuts) { least = std::min(least, of.slowest(cuts)); });
        EXPECT_GE(of.slowest(found), least);
        best += of.slowest(found) == least ? 1 : 0;
        EXPECT_EQ(shift_layers(of.seconds, of.on, found), found);
    }
    EXPECT_GT(best, cases * 3 / 4);
    static_assert(shift_layers(std::array{1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, std::array{0, 1, 1, 0}, {0, 2, 4, 5, 6}) ==
                  std::vector{0, 2, 4, 5, 6});
}

}  // namespace
