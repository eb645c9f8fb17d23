// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/core_semaphore.hpp>
#include <executor/communicate/group_rounds.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace {

using namespace chimera::executor;

TEST(rounds, keep_groups_apart_that_share_a_worker) {
    const std::vector<members> groups{{0, 3}, {1, 2}, {1, 2}, {0, 3}, {2}, {0, 1, 2, 3}, {2, 3}};
    const auto rounds = rounds_of(groups);
    std::vector<members> all;
    for (const auto& round : rounds) {
        std::vector<std::int32_t> seen;
        for (const members& group : round) {
            all.push_back(group);
            seen.insert(seen.end(), group.begin(), group.end());
        }
        std::ranges::sort(seen);
        EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
    }
    EXPECT_THAT(all, testing::UnorderedElementsAre(members{0, 3}, members{1, 2}, members{0, 1, 2, 3}, members{2, 3}));
    auto shuffled = groups;
    std::ranges::reverse(shuffled);
    EXPECT_EQ(rounds_of(shuffled), rounds);
    EXPECT_EQ(rounds.size(), 3U);
}

TEST(core_gate, is_first_come_first_served) {
    core_gate gate(1, 5);
    std::vector<int> order;
    gate.acquire(0);
    std::vector<std::thread> threads;
    for (int w = 1; w < 5; ++w) {
        threads.emplace_back([&, w] {
            const core_hold core(&gate, w);
            order.push_back(w);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    gate.release(0);
    for (auto& t : threads) t.join();
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

}  // namespace
