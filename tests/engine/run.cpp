// SPDX-License-Identifier: Apache-2.0
#include "by_hand.hpp"
#include "toy.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>

#include <gmock/gmock.h>

namespace {

using namespace chimera;
using namespace chimera::executor;

struct two {
    toy::stage a{0, 2}, b{1, 2};
    stage_lookup lookup = [this](int worker, int stage) -> executor::stage* {
        if (worker != stage) return nullptr;
        return stage == 0 ? &a : &b;
    };
};

class both_modes : public testing::TestWithParam<local_mode> {};
INSTANTIATE_TEST_SUITE_P(run, both_modes, testing::Values(local_mode::eager, local_mode::rendezvous));

TEST_P(both_modes, two_stages_give_the_bits_of_plain_loops) {
    const program p = by_hand::two_workers();
    two stages;
    local_world world(2, GetParam());
    engine e(p, stages.lookup, world.ends());
    for (int i = 0; i < 3; ++i) e.run_iteration();
    const toy::reference expected(2, 2, 1, 3, [](int, int) { return std::vector<int>{0, 1}; });
    EXPECT_EQ(stages.a.w.scale, expected.w[0].scale);
    EXPECT_EQ(stages.a.w.shift, expected.w[0].shift);
    EXPECT_EQ(stages.b.w.scale, expected.w[1].scale);
    EXPECT_THAT(stages.b.gradients(), testing::ElementsAreArray(expected.gradients[1]));
}

TEST_P(both_modes, a_backward_in_halves_gives_the_same_bits) {
    program p = by_hand::two_workers();
    for (int w = 0; w < 2;
         ++w) {  // every backward becomes its input gradient; the weight gradients come before the reduction
        for (int i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
            auto& op = p.instructions[static_cast<std::size_t>(i)].op;
            if (op == action::backward) op = action::input_gradient;
        }
        const auto end = p.instructions.begin() + p.offsets[static_cast<std::size_t>(w) + 1] - 3;
        p.instructions.insert(end, {by_hand::compute(action::weight_gradient, w, 0, 0),
                                    by_hand::compute(action::weight_gradient, w, 1, 1)});
        for (std::size_t v = static_cast<std::size_t>(w) + 1; v < 3; ++v) p.offsets[v] += 2;
    }
    for (auto& i : p.instructions)  // both units are alive to the end now
        if (is_compute(i.op)) i.buffer = i.first;
    p.buffer_counts = {2, 2};
    two stages;
    local_world world(2, GetParam());
    engine e(p, stages.lookup, world.ends());
    for (int i = 0; i < 3; ++i) e.run_iteration();
    const toy::reference expected(2, 2, 1, 3, [](int, int) { return std::vector<int>{0, 1}; });
    EXPECT_EQ(stages.a.w.scale, expected.w[0].scale);
    EXPECT_EQ(stages.b.w.shift, expected.w[1].shift);
    EXPECT_THAT(stages.b.gradients(), testing::ElementsAreArray(expected.gradients[1]));
}

TEST(run, another_order_gives_other_bits) {  // otherwise the comparison above would show nothing
    const toy::reference there(2, 7, 1, 3, [](int, int) { return std::vector<int>{0, 1, 2, 3, 4, 5, 6}; });
    const toy::reference back(2, 7, 1, 3, [](int, int) { return std::vector<int>{6, 5, 4, 3, 2, 1, 0}; });
    EXPECT_NE(there.gradients[0], back.gradients[0]);
}

TEST(run, timeline_holds_every_slot_in_order) {
    const program p = by_hand::two_workers();
    two stages;
    local_world world(2);
    engine e(p, stages.lookup, world.ends(), {.cores = 1});
    const timeline& t = e.run_iteration();
    for (int w = 0; w < 2; ++w) {
        ASSERT_EQ(t.row(w).size(), 5U);
        double last = 0;
        for (const step& s : t.row(w)) {
            EXPECT_LE(last, s.begin);
            EXPECT_LT(s.begin, s.end);
            last = s.end;
        }
        ASSERT_EQ(t.reductions_of(w).size(), 1U);
        EXPECT_EQ(t.reductions_of(w)[0].op, action::reduce_gradient);
        EXPECT_LT(t.reductions_of(w)[0].begin, t.reductions_of(w)[0].end);
    }
    EXPECT_EQ(t.row(1)[1].op, action::backward);
    EXPECT_EQ(t.row(1)[1].first, 0);
    EXPECT_LE(t.row(0)[0].end, t.row(1)[0].begin);
}

TEST(run, one_core_runs_one_slot_at_a_time) {
    const program p = by_hand::two_workers();
    std::atomic<int> inside{0}, most{0};
    const auto delay = [&](int) {
        most = std::max(most.load(), ++inside);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        --inside;
    };
    toy::stage a(0, 2, delay), b(1, 2, delay);
    local_world world(2);
    engine e(p, [&](int, int s) { return s == 0 ? &a : &b; }, world.ends(), {.cores = 1});
    for (int i = 0; i < 5; ++i) e.run_iteration();
    EXPECT_EQ(most, 1);
}

TEST(run, hooks_are_called_once_a_worker) {
    const program p = lower(generate(bidirectional{.stages = 2, .micro_batches = 2}));  // each worker holds both stages
    toy::stage stages[2][2] = {{{0, 2}, {1, 2}}, {{0, 2}, {1, 2}}};
    local_world world(2);
    std::array<int, 2> before{}, after{};
    std::array<double, 2> sums{};
    engine_options o;
    o.hooks.before_update = [&](communicator& end) {
        const auto w = static_cast<std::size_t>(end.worker());
        ++before[w];
        std::array<double, 1> value{end.worker() + 0.25};
        end.sum(value);
        sums[w] = value[0];
    };
    o.hooks.after_iteration = [&](communicator& end) { ++after[static_cast<std::size_t>(end.worker())]; };
    engine e(
        p, [&](int w, int s) { return &stages[w][s]; }, world.ends(), o);
    e.run_iteration();
    e.run_iteration();
    EXPECT_THAT(before, testing::ElementsAre(2, 2));
    EXPECT_THAT(after, testing::ElementsAre(2, 2));
    EXPECT_THAT(sums, testing::ElementsAre(1.5, 1.5));
}

std::string refusal(const program& p) {
    two stages;
    local_world world(2);
    try {
        engine e(p, stages.lookup, world.ends());
    } catch (const error& e) {
        return e.what();
    }
    return "";
}

TEST(plan, refuses_what_cannot_run) {
    EXPECT_EQ(refusal(by_hand::two_workers()), "");
    program p = by_hand::two_workers();
    p.instructions[11].first = 1;  // the first receive brings the wrong unit
    EXPECT_THAT(refusal(p), testing::HasSubstr("worker 1"));
    p = by_hand::two_workers();
    p.instructions[0].stage = 1;
    EXPECT_THAT(refusal(p),
                testing::HasSubstr("worker 0, instruction 0, forward (stage 1, unit 0, peer -) cannot run"));
    p = by_hand::two_workers();
    std::swap(p.instructions[0], p.instructions[1]);
    EXPECT_THAT(refusal(p), testing::HasSubstr("made"));
    p = by_hand::two_workers();
    p.buffer_counts[0] = 1;
    EXPECT_THAT(refusal(p), testing::HasSubstr("worker 0, instruction 2, forward (stage 0, unit 1, peer -)"));
}

}  // namespace
