// SPDX-License-Identifier: Apache-2.0
#include "expected.hpp"
#include "sweep.hpp"
#include "toy.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <thread>

namespace {

using namespace chimera;
using namespace chimera::executor;

using expected::bits;

bits run(const program& p, local_mode mode, const std::function<void(int)>& delay = {}, int cores = 0) {
    std::map<std::pair<int, int>, std::unique_ptr<toy::stage>> stages;
    const stage_lookup lookup = [&](int worker, int s) {
        auto& held = stages[{worker, s}];
        if (!held) held = std::make_unique<toy::stage>(s, p.head.stages, delay);
        return held.get();
    };
    local_world world(p.head.workers, mode);
    engine_options options;
    options.cores = cores;
    options.watchdog_seconds = 30;
    engine e(p, lookup, world.ends(), options);
    for (int i = 0; i < expected::iterations; ++i) e.run_iteration();
    return expected::left_by(stages);
}

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    ASSERT_TRUE(verify(p).ok()) << sweep::name_of(j, choice);
    const bits right = expected::from_one_worker(p);
    ASSERT_EQ(run(p, local_mode::eager), right) << sweep::name_of(j, choice);
    ASSERT_EQ(run(p, local_mode::rendezvous), right) << sweep::name_of(j, choice) << " rendezvous";
}

/// Every job once, the nine choices of synchronisation and recompute taking turns; all of them where CHIMERA_EXHAUSTIVE is set.
class every_family : public testing::TestWithParam<sweep::variant> {};

TEST_P(every_family, gives_the_bits_of_one_worker) { sweep::each_choice(GetParam(), check); }

INSTANTIATE_TEST_SUITE_P(exactness, every_family, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

TEST(exactness, covers_split_backwards_and_stages_that_share_a_worker) {
    int split = 0, shared = 0, paired = 0;
    for (const sweep::variant& v : sweep::variants(true))
        for (const sweep::job& j : sweep::jobs(v)) {
            split +=
                std::ranges::any_of(j.schedule.entries, [](const slot& s) { return s.op == pass::weight_gradient; });
            paired += std::ranges::any_of(j.schedule.entries, [](const slot& s) { return s.overlap != 0; });
            shared += j.schedule.head.stages > 1 &&
                      j.schedule.view().worker_of(0, 0) == j.schedule.view().worker_of(0, j.schedule.head.stages - 1);
        }
    EXPECT_GE(split, 100);
    EXPECT_GE(shared, 50);
    EXPECT_GE(paired, 5);
}

TEST(exactness, the_grouping_matters) {  // otherwise the comparisons above would show little
    const program direct = lower(generate(bidirectional{.stages = 4, .micro_batches = 9}));
    const program line = lower(generate(one_f_one_b{.stages = 4, .micro_batches = 9}));
    const bits a = expected::from_one_worker(direct), b = expected::from_one_worker(line);
    EXPECT_NE(a.at({0, 0}), b.at({0, 0}));
}

/// Passes that take a while at random, other times in every run.
std::function<void(int)> latency(unsigned seed) {
    auto calls = std::make_shared<std::atomic<unsigned>>(seed);
    return [calls](int) {
        std::minstd_rand random(calls->fetch_add(7919) * 2654435761U + 1);
        random.discard(3);
        const unsigned draw = static_cast<unsigned>(random());
        if (draw % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(draw % 200));
    };
}

TEST(exactness, timing_changes_no_bit) {
    std::minstd_rand random(1);
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    for (unsigned seed = 0; seed < 60; ++seed) {
        const int stages = 2 << pick(3);
        const bidirectional spec{.stages = stages,
                                 .micro_batches = 1 + pick(2 * stages + 1),
                                 .pipelines = 2,
                                 .scale = static_cast<scale>(pick(3))};
        const program p = lower(generate(spec), static_cast<chimera::reduction_start>(pick(3)));
        const bits right = expected::from_one_worker(p);
        EXPECT_EQ(run(p, local_mode::eager, latency(seed), pick(4)), right) << seed;
        EXPECT_EQ(run(p, local_mode::rendezvous, latency(seed + 1000), pick(4)), right) << seed;
    }
}

}  // namespace
