// SPDX-License-Identifier: Apache-2.0
// Plans where memory forces recompute, with tensor slices and samples that do not divide, beside trying everything.

#include "plan_cases.hpp"
#include "tests/dose.hpp"

#include <chimera/plan/make_plan.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <limits>

using namespace chimera;

TEST(plan_tight, ranks_as_trying_everything_does) {
    constexpr int primes[] = {11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 61};
    const unsigned seeds = std::getenv("CHIMERA_EXHAUSTIVE") != nullptr ? 400 : dose(120);
    int recomputing = 0, sliced = 0;
    for (unsigned seed = 0; seed < seeds; ++seed) {
        cases::maker make(9000 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.memory = std::numeric_limits<double>::infinity();
        plan_request asked = make.some_request();
        asked.even = false;
        asked.samples = primes[make.whole(0, static_cast<int>(std::size(primes)) - 1)];
        asked.tensors = {1, make.whole(2, 8)};
        if (seed % 2 == 0) asked.families = {family::bidirectional, family::one_f_one_b, family::interleaved};
        plan_cache orders;
        const plan_report free = make_plan(what, on, asked, orders);
        if (free.ranking.empty()) continue;
        on.memory = free.ranking.front().found.memory * make.number(0.3, 1);
        const plan_report quick = make_plan(what, on, asked, orders);
        asked.prune = false;
        plan_cache anew;
        const plan_report all = make_plan(what, on, asked, anew);
        ASSERT_EQ(quick.ranking.size(), all.ranking.size()) << "seed " << seed;
        for (std::size_t i = 0; i < all.ranking.size(); ++i) {
            const configuration& with = all.ranking[i].with;
            ASSERT_DOUBLE_EQ(quick.ranking[i].found.seconds, all.ranking[i].found.seconds)
                << "seed " << seed << " place " << i << ": " << label_of(with.schedule) << ' ' << name(with.recompute);
            recomputing += with.recompute != recompute_mode::none;
            sliced += with.tensor > 1;
        }
    }
    EXPECT_GT(recomputing, static_cast<int>(seeds) / 4);
    EXPECT_GT(sliced, 0);
}
