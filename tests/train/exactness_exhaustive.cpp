// SPDX-License-Identifier: Apache-2.0
// Every job with every choice of synchronisation, recompute and transfer; minutes long. To be run with
// CHIMERA_EXHAUSTIVE=1 ctest -L exhaustive.
#include "exactness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

using namespace exactness;

class every_family : public testing::TestWithParam<sweep::variant> {};

TEST_P(every_family, trains_like_one_worker) {
    if (!std::getenv("CHIMERA_EXHAUSTIVE")) GTEST_SKIP() << "takes minutes: set CHIMERA_EXHAUSTIVE=1";
    host here(local_mode::eager);
    for (const sweep::job& j : sweep::jobs(GetParam())) {
        oracle plain(here);
        for (int choice = 0; choice < sweep::choices; ++choice) {
            const program p = sweep::program_of(j, choice);
            ASSERT_TRUE(plain.agrees(p, run(p, local_mode::eager))) << sweep::name_of(j, choice);
            ASSERT_TRUE(plain.agrees(p, run(p, local_mode::rendezvous))) << sweep::name_of(j, choice) << " rendezvous";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(exhaustive, every_family, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

}  // namespace
