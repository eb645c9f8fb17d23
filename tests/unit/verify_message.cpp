// SPDX-License-Identifier: Apache-2.0
// What a fault says: problem, place, why, what to do. The broken programs are small enough to check by hand.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/pipedream.hpp>
#include <chimera/verify.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace chimera {
namespace {

std::string first_message(const report& r) { return r.ok() ? "no fault" : message(r.faults.front()); }

/// Stage 0 on worker 0, stage 1 on worker 1, one unit:
/// worker 0: F, send activation | recv gradient, B; update. worker 1: recv activation, F, B, send gradient; update.
program two_workers() { return lower(generate(one_f_one_b{2, 1}), reduction_start::lazy); }

void erase(program& p, int worker, int index) {
    p.instructions.erase(p.instructions.begin() + p.offsets[static_cast<std::size_t>(worker)] + index);
    for (std::size_t w = static_cast<std::size_t>(worker) + 1; w < p.offsets.size(); ++w) --p.offsets[w];
}

TEST(verify_message, a_dropped_send_names_who_waits_for_it) {
    program p = two_workers();
    erase(p, 0, 1);
    EXPECT_EQ(first_message(verify(p)),
              "matched: a receive without its send at worker 1, instruction 0, stage 1, unit 0, pipeline 0, peer 0 "
              "(worker 0 never sends this message) add the send");
}

TEST(verify_message, a_backward_before_its_forward) {
    program p = two_workers();
    std::swap(p.instructions[static_cast<std::size_t>(p.offsets[1]) + 1],
              p.instructions[static_cast<std::size_t>(p.offsets[1]) + 2]);
    EXPECT_EQ(
        first_message(verify(p)),
        "ordered: a backward before its forward has ended at worker 1, instruction 1, stage 1, unit 0, pipeline 0 "
        "(it needs the activation) start it later");
}

/// Two workers that exchange one message each way at one tick: bidirectional over two stages. `first` goes first on
/// both.
program crossing(bool sends_first) {
    program p = lower(generate(bidirectional{2, 2}), reduction_start::lazy);
    std::int32_t group = 1000;
    for (std::size_t i = 0; i + 1 < p.instructions.size(); ++i) {
        instruction &a = p.instructions[i], &b = p.instructions[i + 1];
        if (!is_transfer(a.op) || !is_transfer(b.op) || a.group != b.group) continue;
        if (is_send(a.op) != sends_first) std::swap(a, b);
        b.group = ++group;
    }
    return p;
}

TEST(verify_message, a_deadlock_of_sends_that_wait_names_both_workers) {
    const report r = verify(crossing(true));
    ASSERT_EQ(r.faults.size(), 2u);
    for (int w = 0; w < 2; ++w) {
        const fault& f = r.faults[static_cast<std::size_t>(w)];
        EXPECT_EQ(f.what, complaint::rendezvous_deadlock);
        EXPECT_EQ(f.worker, w);
        EXPECT_EQ(f.peer, 1 - w);
        EXPECT_EQ(f.index, 1);  // after the first forward
        EXPECT_EQ(f.stage, 1);
    }
    EXPECT_THAT(message(r.faults.front()),
                testing::StartsWith("matched: waits forever where a send waits for its receive at "
                                    "worker 0, instruction 1, stage 1, unit 0"));
}

TEST(verify_message, a_deadlock_of_receives_is_one_whatever_sends_do) {
    const report r = verify(crossing(false));
    ASSERT_EQ(r.faults.size(), 2u);
    EXPECT_EQ(r.faults.front().what, complaint::deadlock);
    EXPECT_EQ(r.faults.back().what, complaint::deadlock);
}

/// Two messages of one pair of workers in one group: nothing but their order says which is which.
TEST(verify_message, both_sides_of_a_pair_keep_one_order) {
    program p = lower(generate(gpipe{2, 2}), reduction_start::lazy);
    const auto row = [&](std::size_t w) { return p.instructions.begin() + p.offsets[w]; };
    std::rotate(row(0) + 1, row(0) + 2, row(0) + 3);  // F, send, F, send: the first send goes behind the second F
    std::rotate(row(1) + 1, row(1) + 2,
                row(1) + 3);  // recv, F, recv, F: the second receive goes in front of the first F
    for (const auto& first : {row(0) + 2, row(1)}) (first + 1)->group = first->group;
    ASSERT_TRUE(verify(p).ok()) << first_message(verify(p));
    std::swap(*row(1), *(row(1) + 1));
    EXPECT_EQ(first_message(verify(p)),
              "matched: received out of order at worker 1, instruction 0, stage 1, unit 1, pipeline 0, peer 0 "
              "(worker 0 sends instruction 2 first) keep one order on both sides");
}

/// PipeDream on two stages: stage 0 keeps two versions. Its row on worker 0:
/// 0 F0, 1 send, 2 F1, 3 recv, 4 send, 5 B0, 6 update, 7 F2, 8 recv, 9 send, 10 B1, 11 update, 12 recv, 13 B2, 14 update.
program pipedream_of_three() { return lower(generate(pipedream{.stages = 2, .micro_batches = 3})); }

TEST(verify_message, versions_of_weights_name_what_should_have_been_read) {
    program p = pipedream_of_three();
    p.instructions[10].version = 1;
    EXPECT_EQ(
        first_message(verify(p)),
        "housed: not the weights of its forward at worker 0, instruction 10, stage 0, unit 1, pipeline 0 (version 1) "
        "use the same from forward to backward");
    p = pipedream_of_three();
    p.instructions[7].version = 0;
    EXPECT_EQ(first_message(verify(p)),
              "housed: a forward that reads the wrong weights at worker 0, instruction 7, stage 0, unit 2, pipeline 0 "
              "(it must read what 1 updates left) name the version that holds them");
    p = pipedream_of_three();
    p.instructions[6].version = 0;
    EXPECT_THAT(
        first_message(verify(p)),
        testing::StartsWith("housed: overwrites weights that a backward still needs at worker 0, instruction 6, "
                            "stage 0, pipeline 0 (version 0)"));
    p = pipedream_of_three();
    p.version_counts[0] = 3;
    EXPECT_THAT(first_message(verify(p)),
                testing::StartsWith("housed: version_counts is not the peak at worker 0, stage 0 "
                                    "(2 weight versions are live at most)"));
}

TEST(verify_message, updates_name_the_gradient_they_missed) {
    program p = pipedream_of_three();
    std::swap(p.instructions[5], p.instructions[6]);
    EXPECT_THAT(
        first_message(verify(p)),
        testing::StartsWith("synchronised: updated before the last gradient at worker 0, instruction 5, stage 0, "
                            "pipeline 0 (instruction 6 adds to it)"));
    p = pipedream_of_three();
    erase(p, 0, 6);
    EXPECT_THAT(
        first_message(verify(p)),
        testing::StartsWith("synchronised: a gradient of the next group before the update at worker 0, instruction 9, "
                            "stage 0, unit 1, pipeline 0 (it would be added to group 0, not yet applied)"));
}

TEST(verify_message, require_throws_what_is_wrong_and_nothing_where_nothing_is) {
    schedule s = generate(one_f_one_b{4, 4});
    EXPECT_NO_THROW((void)require(verify(s)));
    s.entries[1].tick = 0;
    try {
        require(verify(s));
        FAIL();
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(),
                    testing::StartsWith("exclusive: a slot that starts before slot 0 has ended at worker 0, slot 1"));
    }
}

TEST(verify_message, every_text_is_one_line_of_problem_why_and_what_to_do) {
    std::set<std::string> texts;
    for (int k = 0; k <= static_cast<int>(complaint::unordered_members); ++k) {
        const std::string text = message({.law = law::once,
                                          .what = static_cast<complaint>(k),
                                          .worker = 1,
                                          .index = 2,
                                          .stage = 3,
                                          .unit = 4,
                                          .pipeline = 5,
                                          .peer = 6,
                                          .other = 7});
        EXPECT_THAT(text, testing::MatchesRegex("[a-z]+: [^()|#@]+ \\([^()|#@]+\\) [^()|#@]+"));
        EXPECT_THAT(text, testing::HasSubstr(" at worker 1, slot 2, stage 3, unit 4, pipeline 5, peer 6 ("));
        texts.insert(text);
    }
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(complaint::unordered_members) + 1);  // each its own
}

TEST(verify_message, all_faults_are_counted_and_some_are_kept) {
    schedule s = generate(one_f_one_b{4, 16});
    for (slot& x : s.entries) x.first = 0;
    const report r = verify(s, {.faults = 3});
    EXPECT_GT(r.counts[static_cast<std::size_t>(law::once)], 100);
    EXPECT_EQ(std::ranges::count(r.faults, law::once, &fault::law), 3);
}

}  // namespace
}  // namespace chimera
