// SPDX-License-Identifier: Apache-2.0
#include "expected.hpp"
#include "streamed.hpp"
#include "sweep.hpp"

#include <executor/engine/engine.hpp>

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

#include <gmock/gmock.h>

#include <map>
#include <memory>

namespace {

using namespace chimera;
using namespace chimera::executor;

template <typename Rig>
expected::bits left_by(const program& p, local_mode mode, unsigned seed) {
    fake::streamed<Rig> s(p, mode, seed);
    for (int i = 0; i < expected::iterations; ++i) s.run->run_iteration();
    return expected::left_by(s.plain);
}

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    const expected::bits right = expected::from_one_worker(p);
    const std::string name = sweep::name_of(j, choice);
    ASSERT_EQ(left_by<rigs::lazy>(p, local_mode::eager, 1), right) << name << " lazy";
    ASSERT_EQ(left_by<rigs::random>(p, local_mode::eager, 2), right) << name << " random";
    ASSERT_EQ(left_by<rigs::random>(p, local_mode::rendezvous, 3), right) << name << " rendezvous";
}

class every_loopback_family : public testing::TestWithParam<sweep::variant> {};

TEST_P(every_loopback_family, gives_the_bits_of_one_worker_on_streams) { sweep::each_choice(GetParam(), check); }

INSTANTIATE_TEST_SUITE_P(loopback, every_loopback_family, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

TEST(loopback, times_are_those_of_the_work_and_not_of_the_calls) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 6}), chimera::reduction_start::eager);
    fake::streamed<rigs::lazy> s(p, local_mode::eager, 4);
    for (int iteration = 0; iteration < 3; ++iteration) {
        const timeline& t = s.run->run_iteration();
        std::map<std::array<int, 3>, double> ends;  // pass, stage, unit
        for (const step& done : t.steps) {
            EXPECT_LE(0, done.begin);
            EXPECT_LE(done.begin, done.end);
            if (done.op != action::update_weights)
                for (int k = 0; k < done.count; ++k)
                    ends[{done.op == action::forward, done.stage, done.first + k}] = done.end;
        }
        // Streams run far out of step; what depends on something else still ends after it.
        for (const auto& [what, end] : ends) {
            const auto& [forward, stage, unit] = what;
            if (forward && stage > 0) {
                EXPECT_LT((ends.at({1, stage - 1, unit})), end);
            }
            if (!forward) {
                EXPECT_LT((ends.at({1, stage, unit})), end);
            }
        }
        ASSERT_FALSE(t.reductions.empty());
        for (const step& r : t.reductions) EXPECT_LE(r.begin, r.end);
        for (const step& u : t.steps) {
            if (u.op != action::update_weights) continue;
            for (const step& r : t.reductions)
                if (r.stage == u.stage) {
                    EXPECT_LE(r.begin, u.begin);
                }
        }
    }
}

TEST(loopback, memory_under_way_does_not_grow_after_the_first_iteration_in_step) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 8}));
    fake::streamed<rigs::hasty> s(p, local_mode::rendezvous, 5);
    s.run->run_iteration();
    EXPECT_GT(s.rig.world.staged_bytes(), 0U);
    // No message is ever kept twice, so no pair can have more under way than it has messages in an iteration.
    std::size_t sent = 0;
    for (const auto& i : p.instructions) sent += is_send(i.op) ? 5 * sizeof(float) * i.count : 0;
    for (int i = 0; i < 20; ++i) s.run->run_iteration();
    EXPECT_LE(s.rig.world.staged_bytes(), sent);
}

/// A stage that fails while its passes are only enqueued.
TEST(loopback, a_call_that_fails_ends_the_run_and_nothing_hangs) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    rigs::lazy rig(4);
    struct failing final : toy::stage {
        using toy::stage::stage;
        void forward(int unit, std::byte* stash, const std::byte* in, std::byte* out) override {
            if (unit == 2) throw std::runtime_error("no kernel");
            toy::stage::forward(unit, stash, in, out);
        }
    };
    engine_options options;
    options.work_queues = [&](int w) {
        return std::make_unique<fake::work_queue>(rig.streams[static_cast<std::size_t>(w)]);
    };
    std::map<std::pair<int, int>, std::unique_ptr<failing>> stages;
    const stage_lookup lookup = [&](int w, int s) {
        auto& held = stages[{w, s}];
        if (!held) held = std::make_unique<failing>(s, 4);
        return held.get();
    };
    engine run(p, lookup, rig.ends(), options);
    try {
        run.run_iteration();
        FAIL();
    } catch (const run_failed& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr("unit 2"));
        EXPECT_THAT(e.what(), testing::HasSubstr("no kernel"));
    }
    EXPECT_FALSE(run.stuck());
}

}  // namespace
