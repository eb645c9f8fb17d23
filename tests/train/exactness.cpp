// SPDX-License-Identifier: Apache-2.0
// Every third job of the sweep once, with the choices of synchronisation, recompute and transfer taking turns so that each
// family meets all of them. tests/train/exactness_exhaustive.cpp runs every job with every choice.
#include "exactness.hpp"
#include "tests/engine/rigs.hpp"

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <gtest/gtest.h>

namespace {

using namespace exactness;

class every_family : public testing::TestWithParam<sweep::variant> {};

TEST_P(every_family, trains_like_one_worker) {
    const auto jobs = sweep::jobs(GetParam());
    EXPECT_GE(jobs.size(), 5U);
    host here(local_mode::eager);
    oracle plain(here);
    for (std::size_t i = jobs.size() / 2 % 3; i < jobs.size(); i += 3) {
        const sweep::job& j = jobs[i];
        const int turn = static_cast<int>(i / 3), choice = turn % sweep::choices;
        const local_mode mode = turn % 2 == 0 ? local_mode::eager : local_mode::rendezvous;
        const program p = sweep::program_of(j, choice);
        ASSERT_TRUE(plain.agrees(p, run(p, mode)))
            << sweep::name_of(j, choice) << (mode == local_mode::eager ? " eager" : " rendezvous");
    }
}

TEST_P(every_family, trains_like_one_worker_over_connections) {
    const auto jobs = sweep::jobs(GetParam());
    const sweep::job& j = jobs[jobs.size() / 2];
    for (const int choice : {0, sweep::choices - 1}) {
        const program p = sweep::program_of(j, choice);
        rigs::process connected(p.head.workers);
        host here(local_mode::eager);
        ASSERT_TRUE(oracle(here).agrees(p, run(p, here, connected.ends()))) << sweep::name_of(j, choice);
    }
}

TEST_P(every_family, trains_in_bf16_like_one_worker) {
    if (!cpu_has_bf16()) GTEST_SKIP() << "this CPU lacks avx512_bf16";
    const auto jobs = sweep::jobs(GetParam());
    const sweep::job& j = jobs[jobs.size() / 2];
    for (const int choice : {0, sweep::choices - 1}) {
        host here(choice == 0 ? local_mode::eager : local_mode::rendezvous, true);
        const program p = sweep::program_of(j, choice);
        const result got = run(p, here);
        ASSERT_TRUE(oracle(here).agrees(p, got)) << sweep::name_of(j, choice);
        host longer(local_mode::eager);
        EXPECT_FALSE(oracle(longer).agrees(p, got)) << "in bf16 as in fp32";
    }
}

INSTANTIATE_TEST_SUITE_P(exactness, every_family, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

TEST(exactness, two_runs_give_the_same_bits) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 9, .pipelines = 4}));
    EXPECT_EQ(run(p, local_mode::eager), run(p, local_mode::eager));
}

TEST(exactness, another_grouping_gives_other_bits) {  // otherwise the comparisons would show nothing
    const program p = lower(generate(bidirectional{.stages = 2, .micro_batches = 5}));
    host here(local_mode::eager);
    oracle plain(here), other(here);
    ASSERT_TRUE(plain.agrees(p, run(p, local_mode::eager)));
    const program q = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 5}));
    ASSERT_TRUE(other.agrees(q, run(q, local_mode::eager)));
    EXPECT_FALSE(plain.of(0) == other.of(0));
}

}  // namespace
