// SPDX-License-Identifier: Apache-2.0
// Samples that do not divide: what every copy and micro-batch gets, dealt one by one.

#include <chimera/plan/candidates.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <tuple>
#include <vector>

using namespace chimera;

namespace {

/// Deals n things to k places as evenly as can be.
std::vector<std::int64_t> dealt(std::int64_t n, std::int64_t k) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(k), 0);
    for (std::int64_t i = 0; i < n; ++i) ++out[static_cast<std::size_t>(i % k)];
    return out;
}

}  // namespace

TEST(uneven_samples, no_micro_batch_is_empty_or_larger_than_its_size) {
    std::mt19937 random(4);
    const auto roll = [&](int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    };
    int uneven = 0, even = 0;
    for (int k = 0; k < 400; ++k) {
        plan_request asked;
        asked.families = {family::one_f_one_b, family::data_parallel};
        asked.samples = roll(1, 700);
        asked.even = k % 4 == 0;
        asked.tensors = {1, roll(1, 3)};
        std::sort(asked.tensors.begin(), asked.tensors.end());
        cluster on;
        on.nodes = roll(1, 20);
        on.workers_per_node = roll(1, 4);
        std::set<std::tuple<int, int, int, int, int>> seen;
        for_each_candidate(asked, on, roll(1, 20), [&](const configuration& one) {
            const auto key =
                std::tuple(one.schedule.stages, one.width, one.tensor, one.micro_batch, one.schedule.micro_batches);
            EXPECT_TRUE(seen.insert(key).second || asked.tensors[0] == asked.tensors[1]);
            EXPECT_LE(one.workers(), on.workers());
            std::int64_t largest = 0;
            for (const std::int64_t copy : dealt(asked.samples, one.width))
                for (const std::int64_t batch : dealt(copy, one.schedule.micro_batches)) {
                    EXPECT_GE(batch, 1);
                    EXPECT_LE(batch, one.micro_batch);
                    largest = std::max(largest, batch);
                }
            EXPECT_EQ(largest, one.micro_batch);
            (one.samples() == asked.samples ? even : uneven) += 1;
            if (asked.even) {
                EXPECT_EQ(one.samples(), asked.samples);
            }
        });
    }
    EXPECT_GT(std::min(uneven, even), 500);
}

TEST(uneven_samples, a_prime_number_uses_the_workers_that_its_neighbour_uses) {
    for (const int samples : {2003, 10007, 50021}) {
        plan_request asked;
        asked.families = {family::one_f_one_b};
        asked.samples = samples;
        cluster on;
        on.nodes = 1024;
        int most = 0, longest = 0;
        for_each_candidate(asked, on, 50, [&](const configuration& one) {
            most = std::max(most, one.workers());
            longest = std::max(longest, one.schedule.micro_batches / std::max(16, one.schedule.workers()));
        });
        EXPECT_GT(most, 1000);
        EXPECT_LE(longest, 64);
    }
}
