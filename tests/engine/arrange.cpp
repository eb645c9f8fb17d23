// SPDX-License-Identifier: Apache-2.0
#include <executor/device/device_memory.hpp>  // both headers in one file: the boundary has one definition
#include <executor/engine/stash_layout.hpp>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

using namespace chimera::executor;

TEST(arrange, takes_the_place_of_the_dead_and_of_nobody_else) {
    std::vector<tensor> all{{100, 0, 2}, {100, 1, 3}, {100, 3, 4}, {100, 2, 2}};
    const std::size_t end = arrange(all, 64);
    EXPECT_EQ(all[0].offset, 64U);
    EXPECT_EQ(all[1].offset, 192U);
    EXPECT_EQ(all[3].offset, 320U);  // while the first is read for the last time
    EXPECT_TRUE(all[2].offset == 64U || all[2].offset == 320U);
    EXPECT_EQ(end, 64U + 3 * 128U);
}

TEST(arrange, no_two_that_live_together_share_a_byte) {
    std::minstd_rand random(3);
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    for (int turn = 0; turn < 200; ++turn) {
        std::vector<tensor> all;
        for (int i = 0; i < 40; ++i) {
            const int from = pick(60);
            all.push_back({static_cast<std::size_t>(64 * pick(4) + pick(2)), from, from + pick(20)});
        }
        const std::size_t end = arrange(all, 128);
        for (std::size_t i = 0; i < all.size(); ++i) {
            EXPECT_EQ(all[i].offset % alignment, 0U);
            EXPECT_GE(all[i].offset, 128U);
            EXPECT_LE(all[i].offset + all[i].bytes, end);
            for (std::size_t j = 0; j < i; ++j) {
                const bool together = all[i].from <= all[j].to && all[j].from <= all[i].to;
                const bool apart =
                    all[i].offset + all[i].bytes <= all[j].offset || all[j].offset + all[j].bytes <= all[i].offset;
                ASSERT_TRUE(!together || apart) << turn << ": " << i << " and " << j;
            }
        }
    }
}

}  // namespace
