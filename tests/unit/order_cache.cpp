// SPDX-License-Identifier: Apache-2.0
// The planner's cache of orders: whatever it drops, what it gives is what the family generates.
#include <chimera/plan/estimator.hpp>

#include "tests/dose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace chimera {
namespace {

TEST(order_cache, gives_each_order_and_stays_within_its_slots) {
    std::mt19937 random(7);
    const auto below = [&](int n) { return std::uniform_int_distribution(0, n - 1)(random); };
    for (const std::size_t most : {std::size_t{0}, std::size_t{500}, std::size_t{100'000}}) {
        order_cache cache(most);
        std::size_t largest = 0;
        for (int i = 0; i < dose(400); ++i) {
            const family_spec spec{.which = below(2) == 1 ? family::gpipe : family::one_f_one_b,
                                   .stages = 1 + below(6),
                                   .micro_batches = 1 + below(30)};
            const schedule_view found = cache(spec).plain().view();
            const schedule made = generate(spec);
            ASSERT_TRUE(std::ranges::equal(found.entries, made.entries));
            largest = std::max(largest, made.entries.size());
            EXPECT_LE(cache.slot_total(), std::max(most, order_cache::kept_least * largest));
        }
    }
}

}  // namespace
}  // namespace chimera
