// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/recomputed.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace chimera;
using namespace partition_test;

struct job {
    std::vector<double> seconds, state, in_flight, reserved;
    std::vector<recompute_option> options;
    int each = 1;
    double capacity = none;

    int layers() const { return static_cast<int>(seconds.size()); }
    int stages() const { return static_cast<int>(in_flight.size()); }
    recompute_limits limits() const { return {state, options, each, in_flight, capacity, reserved}; }

    const recompute_option& option(int layer, int o) const {
        return options[static_cast<std::size_t>(layer) * static_cast<std::size_t>(each) + static_cast<std::size_t>(o)];
    }
    /// Calls see(seconds, bytes) for every choice of the layers of a stage.
    template <class See>
    void each_choice(int s, int i, int j, See see) const {
        const auto at = static_cast<std::size_t>(s);
        const auto take = [&](const auto& self, int l, double time, double bytes) -> void {
            if (l == j) return see(time, bytes);
            for (int o = 0; o < each; ++o) {
                const auto& own = option(l, o);
                self(self, l + 1, time + seconds[static_cast<std::size_t>(l)] + own.seconds,
                     bytes + state[static_cast<std::size_t>(l)] + in_flight[at] * own.bytes + own.once);
            }
        };
        take(take, i, 0, reserved.empty() ? 0 : reserved[at]);
    }
};

job any_job(draw& any, int most_layers, int most_stages) {
    job out;
    const int layers = any(1, most_layers);
    const int stages = any(1, std::min(layers, most_stages));
    out.seconds = any.list(layers, 9);
    out.state = any.list(layers, 5);
    out.in_flight = any.list(stages, 3);
    if (any(0, 1))
        for (int s = 0; s < stages; ++s) out.in_flight[static_cast<std::size_t>(s)] = stages - s;
    if (any(0, 2) == 0) out.reserved = any.list(stages, 5);
    out.each = any(1, 4);
    const int classes = any(1, 3) == 1 ? 1 : any(1, layers);
    std::vector<std::vector<recompute_option>> kinds(static_cast<std::size_t>(classes));
    const bool once = any(0, 2) == 0;
    for (auto& k : kinds)
        for (int o = 0; o < out.each; ++o)
            k.push_back({double(any(0, 6)), double(any(0, 9)), once ? double(any(0, 4)) : 0.0});
    for (int l = 0; l < layers; ++l) {
        const auto& k = kinds[static_cast<std::size_t>(any(0, classes - 1))];
        out.options.insert(out.options.end(), k.begin(), k.end());
    }
    return out;
}

/// Least bytes and least seconds of every stage over every range, by trying every choice.
struct truth {
    double seconds = none, missing = none;
};
truth brute(const job& of) {
    const auto n = static_cast<std::size_t>(of.layers() + 1);
    std::vector<double> least(static_cast<std::size_t>(of.stages()) * n * n, none), bytes = least;
    const auto at = [&](int s, int i, int j) {
        return (static_cast<std::size_t>(s) * n + static_cast<std::size_t>(i)) * n + static_cast<std::size_t>(j);
    };
    for (int s = 0; s < of.stages(); ++s)
        for (int i = 0; i < of.layers(); ++i)
            for (int j = i + 1; j <= of.layers(); ++j)
                of.each_choice(s, i, j, [&](double time, double held) {
                    bytes[at(s, i, j)] = std::min(bytes[at(s, i, j)], held);
                    if (held <= of.capacity) least[at(s, i, j)] = std::min(least[at(s, i, j)], time);
                });
    truth out;
    each_cut(of.layers(), of.stages(), [&](const std::vector<int>& cuts) {
        double slowest = 0, lacks = -none;
        for (int s = 0; s < of.stages(); ++s) {
            const auto p = static_cast<std::size_t>(s);
            slowest = std::max(slowest, least[at(s, cuts[p], cuts[p + 1])]);
            lacks = std::max(lacks, bytes[at(s, cuts[p], cuts[p + 1])] - of.capacity);
        }
        out.seconds = std::min(out.seconds, slowest);
        out.missing = std::min(out.missing, lacks);
    });
    return out;
}

/// What the answer says of itself holds.
void holds(const job& of, const recomputed_partition& got) {
    ASSERT_TRUE(well_formed(got.cuts, of.layers(), of.stages()));
    ASSERT_EQ(got.chosen.size(), of.seconds.size());
    double slowest = 0;
    for (int s = 0; s < of.stages(); ++s) {
        const auto at = static_cast<std::size_t>(s);
        double time = 0, bytes = of.reserved.empty() ? 0 : of.reserved[at];
        for (int l = got.cuts[at]; l < got.cuts[at + 1]; ++l) {
            const auto i = static_cast<std::size_t>(l);
            ASSERT_LT(got.chosen[i], of.each);
            const auto& own = of.option(l, got.chosen[i]);
            time += of.seconds[i] + own.seconds;
            bytes += of.state[i] + of.in_flight[at] * own.bytes + own.once;
        }
        ASSERT_EQ(got.stage_seconds[at], time);
        ASSERT_LE(bytes, of.capacity);
        slowest = std::max(slowest, time);
    }
    ASSERT_EQ(got.seconds, slowest);
}

TEST(partition_recomputed, random_cases_at_every_capacity) {
    draw any(41);
    int refused = 0, chosen = 0;
    for (int i = 0; i < 700; ++i) {
        job of = any_job(any, 7, 5);
        const auto free = partition_recomputed(of.seconds, of.stages(), of.limits());
        of.capacity = 0;
        const double least = brute(of).missing;
        for (const double more : {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0, 50.0, 100.0}) {
            of.capacity = least + more;
            if (of.capacity < 0) continue;
            const truth want = brute(of);
            const auto got = partition_recomputed(of.seconds, of.stages(), of.limits());
            ASSERT_EQ(got.fits(), want.seconds < none);
            if (!got.fits()) {
                ++refused;
                ASSERT_EQ(got.missing, want.missing);
                continue;
            }
            ASSERT_EQ(got.seconds, want.seconds);
            holds(of, got);
            if (HasFatalFailure()) return;
            chosen += got.seconds > free.seconds;
        }
    }
    EXPECT_GT(refused, 500);
    EXPECT_GT(chosen, 1000);
}

/// The knapsack by itself, with more layers than can be tried out: against a table over every budget.
TEST(partition_recomputed, knapsack_of_one_stage_against_a_table_over_bytes) {
    draw any(42);
    for (int i = 0; i < 300; ++i) {
        job of;
        const int layers = any(1, 60);
        of.seconds = any.list(layers, 9);
        of.state.assign(static_cast<std::size_t>(layers), 0);
        of.in_flight = {1};
        of.each = any(2, 4);
        const int classes = any(1, layers);
        std::vector<std::vector<recompute_option>> kinds(static_cast<std::size_t>(classes));
        for (auto& k : kinds)
            for (int o = 0; o < of.each; ++o) k.push_back({double(any(0, 500)), double(any(0, 20)), 0});
        int most = 0;
        for (int l = 0; l < layers; ++l) {
            const auto& k = kinds[static_cast<std::size_t>(any(0, classes - 1))];
            of.options.insert(of.options.end(), k.begin(), k.end());
            most += 20;
        }
        std::vector<double> least(static_cast<std::size_t>(most) + 1, 0.0);
        for (int l = 0; l < layers; ++l) {
            std::vector<double> next(least.size(), none);
            for (std::size_t b = 0; b < least.size(); ++b)
                for (int o = 0; o < of.each; ++o)
                    if (const auto& own = of.option(l, o); own.bytes <= static_cast<double>(b))
                        next[b] = std::min(next[b], least[b - static_cast<std::size_t>(own.bytes)] + own.seconds);
            for (double& x : next) x += of.seconds[static_cast<std::size_t>(l)];
            least.swap(next);
        }
        for (int b = 0; b <= most; b += 7) {
            of.capacity = b;
            const auto got = partition_recomputed(of.seconds, 1, of.limits());
            ASSERT_EQ(got.fits(), least[static_cast<std::size_t>(b)] < none);
            if (!got.fits()) continue;
            ASSERT_EQ(got.seconds, least[static_cast<std::size_t>(b)]);
            holds(of, got);
            if (HasFatalFailure()) return;
        }
    }
}

TEST(partition_recomputed, without_a_choice_it_is_the_bounded_partition) {
    draw any(43);
    for (int i = 0; i < 200; ++i) {
        job of = any_job(any, 40, 12);
        of.each = 1;
        of.options.clear();
        std::vector<double> activations;
        for (int l = 0; l < of.layers(); ++l) {
            activations.push_back(any(0, 9));
            of.options.push_back({0, activations.back(), 0});
        }
        of.capacity = any(20, 300);
        const auto got = partition_recomputed(of.seconds, of.stages(), of.limits());
        const auto want =
            bounded(of.seconds, of.stages(), {of.state, activations, of.in_flight, of.capacity, of.reserved});
        ASSERT_EQ(got.fits(), want.fits());
        ASSERT_EQ(got.seconds, want.fits() ? want.seconds : got.seconds);
        ASSERT_EQ(got.missing, want.missing);
    }
}

TEST(partition_recomputed, refuses_options_that_cannot_be) {
    const std::vector<double> two{1, 1}, flight{1};
    const auto text = [&](const std::vector<recompute_option>& options, int each) {
        try {
            partition_recomputed(two, 1, {two, options, each, flight, 9, {}});
        } catch (const chimera::error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(text({}, 0), testing::StartsWith("a layer has 1 to 255 recompute options"));
    EXPECT_THAT(text({{}, {}, {}}, 2),
                testing::StartsWith("the list of recompute options has 3 numbers (4 are needed)"));
    for (const double bad : {-1.0, none, nan}) {
        EXPECT_THAT(text({{}, {bad, 1, 0}}, 1), testing::StartsWith("a number of recompute option 1 cannot be used"));
        EXPECT_THAT(text({{}, {1, bad, 0}}, 1), testing::StartsWith("a number of recompute option 1 cannot be used"));
        EXPECT_THAT(text({{1, 1, bad}, {}}, 1), testing::StartsWith("a number of recompute option 0 cannot be used"));
    }
}

}  // namespace
