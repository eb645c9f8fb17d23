// SPDX-License-Identifier: Apache-2.0
// Checks that hooks get the calls of the program, that a missing hook is named before the first step, and that a bad
// program is refused in one line.

#include "attack_specs.hpp"
#include "tests/dose.hpp"

#include <chimera/run.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace chimera {
namespace {

namespace running_hooks {

struct quiet {
    int calls = 0;
    void forward(const pass_call&) { ++calls; }
    void backward(const pass_call&) { ++calls; }
    void send(const message_call&) { ++calls; }
    void receive(const message_call&) { ++calls; }
    void update(const stage_call&) { ++calls; }
};
/// `start` without anything that waits is no way to send.
struct never_waits {
    int calls = 0;
    void forward(const pass_call&) { ++calls; }
    void backward(const pass_call&) { ++calls; }
    void start(std::span<const message_call>) { ++calls; }
    void update(const stage_call&) { ++calls; }
};

template <class Hooks>
std::string refusal_of(const program& p, int worker, Hooks& hooks) {
    try {
        run(p, worker, hooks);
    } catch (const chimera_error& e) {
        return e.what();
    }
    return "";
}

/// Every pass of a row, and what enters and leaves.
struct recorder {
    void forward(const pass_call& p) { note(p); }
    void backward(const pass_call& p) { note(p); }
    void input_gradient(const pass_call& p) { note(p); }
    void weight_gradient(const pass_call& p) { note(p); }
    void recompute(const pass_call& p) { note(p); }
    void send(const message_call& m) { messages.push_back(m); }
    void receive(const message_call& m) { messages.push_back(m); }
    void start_reduction(const stage_call& s) { reduced.emplace_back(s.members.begin(), s.members.end()); }
    void wait_reduction(const stage_call&) {}
    void update(const stage_call&) {}
    void enter(const run_step& s) { entered.push_back(s.instruction); }
    void leave(const run_step& s) { ASSERT_EQ(entered.back(), s.instruction); }
    void note(const pass_call& p) {
        passes.push_back(p);
        buffers.insert(buffers.end(), p.activations.begin(), p.activations.end());
    }
    std::vector<pass_call> passes;
    std::vector<message_call> messages;
    std::vector<std::vector<std::int32_t>> reduced;
    std::vector<std::int32_t> buffers, entered;
};

}  // namespace running_hooks

TEST(run_hooks, a_missing_hook_is_named_before_the_first_step) {
    running_hooks::quiet some;
    EXPECT_EQ(running_hooks::refusal_of(lower(generate(zb_h1{2, 3})), 1, some),
              "worker 1 cannot run (the hook input_gradient(const pass_call&) is missing) add it to the hooks");
    EXPECT_EQ(running_hooks::refusal_of(lower(generate(bidirectional{2, 2})), 0, some),
              "worker 0 cannot run (the hook start_reduction(const stage_call&) is missing) add it to the hooks");
    EXPECT_EQ(some.calls, 0);
    EXPECT_EQ(running_hooks::refusal_of(lower(generate(gpipe{2, 3})), 1, some), "");
    EXPECT_EQ(some.calls, 6 + 6 + 1);
    running_hooks::never_waits none;
    EXPECT_EQ(running_hooks::refusal_of(lower(generate(gpipe{2, 3})), 0, none),
              "worker 0 cannot run (the hook send(const message_call&) is missing) add it to the hooks");
    EXPECT_EQ(none.calls, 0);
    EXPECT_EQ(running_hooks::refusal_of(lower(generate(gpipe{1, 3})), 0, none), "");  // needs no message
}

TEST(run_hooks, calls_say_what_the_program_says) {
    attack::dice d(77);
    for (int k = 0; k < dose(300); ++k) {
        const attack::case_of c = attack::random_case(d, 9, 14);
        const program p = lower(c.table, c.mode);
        for (int w = 0; w < p.head.workers; ++w) {
            running_hooks::recorder seen;
            const run_plan plan = make_run_plan(p, w);
            run(plan, seen);
            std::size_t passes = 0, messages = 0, buffer = 0, reduced = 0;
            for (const instruction& i : p.view().row(w)) {
                if (is_compute(i.op)) {
                    const pass_call& call = seen.passes.at(passes++);
                    EXPECT_EQ(std::tuple(call.op, call.stage, call.pipeline, call.first, call.count),
                              std::tuple(i.op, i.stage, i.pipeline, i.first, static_cast<int>(i.count)));
                    EXPECT_EQ(call.overlaps, i.overlap != 0);
                    for (int u = 0; u < i.count; ++u) EXPECT_EQ(seen.buffers.at(buffer++), p.view().buffer_of(i, u));
                } else if (is_transfer(i.op)) {
                    const message_call& call = seen.messages.at(messages++);
                    EXPECT_EQ(
                        std::tuple(call.sends, call.stage, call.pipeline, call.first, call.count, call.peer),
                        std::tuple(is_send(i.op), i.stage, i.pipeline, i.first, static_cast<int>(i.count), i.peer));
                    EXPECT_EQ(std::tuple(call.tag, call.group), std::tuple(i.message, i.group));
                    EXPECT_EQ(call.gradient, i.op == action::send_gradient || i.op == action::recv_gradient);
                } else if (i.op == action::reduce_gradient) {
                    const auto members = p.view().replica_group(i.stage);
                    EXPECT_THAT(seen.reduced.at(reduced++), testing::ElementsAreArray(members));
                }
            }
            EXPECT_EQ(passes, seen.passes.size()) << c.name;
            EXPECT_EQ(messages, seen.messages.size()) << c.name;
            EXPECT_EQ(seen.entered.size(), plan.steps.size()) << c.name;
        }
    }
}

TEST(run_hooks, a_program_that_does_not_add_up_is_refused_in_one_line) {
    const program whole = lower(generate(one_f_one_b{3, 5}));
    const auto refused = [&](auto change) {
        program p = whole;
        change(p);
        try {
            for (int w = 0; w < 3; ++w) (void)make_run_plan(p, w);
        } catch (const chimera_error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    const auto first = [](program& p, action op) -> instruction& {
        return *std::find_if(p.instructions.begin(), p.instructions.end(), [&](auto& i) { return i.op == op; });
    };
    using testing::HasSubstr;
    EXPECT_EQ(refused([](program&) {}), "");
    EXPECT_THAT(refused([&](program& p) { first(p, action::recv_activation).op = action::send_activation; }),
                HasSubstr("what it sends is not made before) verify the program"));
    EXPECT_THAT(refused([&](program& p) { first(p, action::recv_activation).first = 4; }),
                HasSubstr("a unit is transferred twice"));
    EXPECT_THAT(refused([&](program& p) { first(p, action::recv_gradient).first = 77; }),
                HasSubstr("there are no such units"));
    EXPECT_THAT(
        refused([&](program& p) { first(p, action::forward).buffer = 77; }),
        HasSubstr("worker 0, instruction 0, forward (stage 0, unit 0, peer -) cannot run (its activation buffer"));
    EXPECT_THAT(refused([&](program& p) { first(p, action::backward).stage = 77; }),
                HasSubstr("there is no such stage"));
    EXPECT_THAT(refused([&](program& p) { std::swap(p.instructions[0], p.instructions[1]); }),
                HasSubstr("what it sends is not made before"));
    EXPECT_THAT(refused([&](program& p) { first(p, action::send_activation) = first(p, action::update_weights); }),
                HasSubstr("what it yields is never used or sent"));
}

}  // namespace
}  // namespace chimera
