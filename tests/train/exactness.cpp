// SPDX-License-Identifier: Apache-2.0
// Every job of the sweep once, with the choices of synchronisation, recompute and transfer taking turns so that each
// family meets all of them. tests/train/exactness_exhaustive.cpp runs every job with every choice.
#include "exactness.hpp"

#include <gtest/gtest.h>

#include <set>

namespace {

using namespace exactness;

/// Both modes of transfer at one of the nine programs of each job.
void check(const std::vector<sweep::job>& jobs, int& turn) {
    std::set<int> choices;
    oracle plain;
    for (const sweep::job& j : jobs) {
        const int chosen = turn++ % 9;
        const local_mode mode = turn % 2 == 0 ? local_mode::eager : local_mode::rendezvous;
        int at = 0;
        sweep::each_program(j, [&](const std::string& name, const program& p) {
            if (at++ != chosen) return;
            ASSERT_TRUE(plain.agrees(p, run(p, mode)))
                << name << (mode == local_mode::eager ? " eager" : " rendezvous");
            choices.insert(chosen);
        });
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(choices.size(), 9U);
}

void check(const std::vector<sweep::job>& jobs) {
    int turn = 0;
    check(jobs, turn);
}

TEST(exactness, gpipe) { check(sweep::gpipe()); }
TEST(exactness, one_f_one_b) { check(sweep::one_f_one_b()); }
TEST(exactness, data_parallel) { check(sweep::data_parallel()); }
TEST(exactness, bidirectional_direct) { check(sweep::bidirectional(scale::direct)); }
TEST(exactness, bidirectional_doubling) { check(sweep::bidirectional(scale::doubling)); }
TEST(exactness, bidirectional_halving) { check(sweep::bidirectional(scale::halving)); }
TEST(exactness, wide) { check(sweep::wide()); }

TEST(exactness, two_runs_give_the_same_bits) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 9, .pipelines = 4}));
    EXPECT_EQ(run(p, local_mode::eager), run(p, local_mode::eager));
}

TEST(exactness, another_grouping_gives_other_bits) {  // otherwise the comparisons would show nothing
    const program p = lower(generate(bidirectional{.stages = 2, .micro_batches = 5}));
    oracle plain, other;
    ASSERT_TRUE(plain.agrees(p, run(p, local_mode::eager)));
    const program q = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 5}));
    ASSERT_TRUE(other.agrees(q, run(q, local_mode::eager)));
    EXPECT_FALSE(plain.of(0) == other.of(0));
}

}  // namespace
