// SPDX-License-Identifier: Apache-2.0
// Every job with every choice of synchronisation, recompute and transfer; minutes long. To be run with
// CHIMERA_EXHAUSTIVE=1 ctest -L exhaustive.
#include "exactness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

using namespace exactness;

void check(const std::vector<sweep::job>& jobs) {
    if (!std::getenv("CHIMERA_EXHAUSTIVE")) GTEST_SKIP() << "takes minutes: set CHIMERA_EXHAUSTIVE=1";
    int programs = 0;
    for (const sweep::job& j : jobs) {
        oracle plain;
        sweep::each_program(j, [&](const std::string& name, const program& p) {
            ASSERT_TRUE(plain.agrees(p, run(p, local_mode::eager))) << name;
            ASSERT_TRUE(plain.agrees(p, run(p, local_mode::rendezvous))) << name << " rendezvous";
            ++programs;
        });
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(programs, 9 * static_cast<int>(jobs.size()));
}

TEST(exhaustive, gpipe) { check(sweep::gpipe()); }
TEST(exhaustive, one_f_one_b) { check(sweep::one_f_one_b()); }
TEST(exhaustive, data_parallel) { check(sweep::data_parallel()); }
TEST(exhaustive, bidirectional_direct) { check(sweep::bidirectional(scale::direct)); }
TEST(exhaustive, bidirectional_doubling) { check(sweep::bidirectional(scale::doubling)); }
TEST(exhaustive, bidirectional_halving) { check(sweep::bidirectional(scale::halving)); }
TEST(exhaustive, wide) { check(sweep::wide()); }

}  // namespace
