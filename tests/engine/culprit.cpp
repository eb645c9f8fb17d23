// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/culprit.hpp>

#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/pipedream.hpp>

#include <gmock/gmock.h>

#include <functional>

namespace {

using namespace chimera;
using namespace chimera::executor;

template <typename Is>
int index_of(const program& p, int worker, Is is) {
    const auto row = p.view().row(worker);
    const auto found = std::ranges::find_if(row, std::ref(is));
    return found == row.end() ? -1 : static_cast<int>(found - row.begin());
}

int compute(const program& p, int worker, action op, int unit) {
    return index_of(p, worker, [&](const instruction& i) { return i.op == op && i.first == unit; });
}

/// The message that a compute instruction of a worker consumes.
int message_of(const program& p, int worker, int index) {
    return p.view().row(worker)[static_cast<std::size_t>(index)].message;
}

TEST(culprit, a_chain_of_waits_leads_to_the_one_in_compute) {
    const program p = lower(generate(one_f_one_b{.stages = 4, .micro_batches = 4}));
    std::vector<snapshot> at(4);
    for (int w = 0; w < 3; ++w) {  // each waits for the gradient from the next
        const int i = compute(p, w, action::backward, 0);
        at[static_cast<std::size_t>(w)] = {phase::message, i, message_of(p, w, i)};
    }
    at[3] = {phase::computing, compute(p, 3, action::backward, 0), -1};
    for (int start = 0; start < 4; ++start) {
        const culprit c = find_culprit(p, at, start);
        EXPECT_EQ(c.worker, 3);
        EXPECT_EQ(c.instruction, at[3].instruction);
        EXPECT_EQ(c.peer, start == 3 ? -1 : 2);
        EXPECT_EQ(c.why, "stuck in compute");
    }
}

TEST(culprit, of_workers_that_have_enqueued_everything_is_the_one_that_is_furthest_behind) {
    const program p = lower(generate(one_f_one_b{.stages = 4, .micro_batches = 4}));
    std::vector<snapshot> at(4);
    for (int w = 0; w < 4; ++w)
        at[static_cast<std::size_t>(w)] = {phase::lane, compute(p, w, w < 2 ? action::forward : action::backward, 0),
                                           -1};
    at[0].instruction =
        compute(p, 0, action::backward, 0);  // 0 needs 1, which has what it needs and does not end; 3 needs nobody
    at[1].instruction = compute(p, 1, action::forward, 1);
    EXPECT_EQ(find_culprit(p, at, 0).worker, 1);
    EXPECT_EQ(find_culprit(p, at, 0).why, "does not finish what was enqueued");
    EXPECT_EQ(find_culprit(p, at, 1).worker, 1);
    EXPECT_EQ(find_culprit(p, at, 2).worker, 3);
    EXPECT_EQ(find_culprit(p, at, 2).instruction, at[3].instruction);
}

TEST(culprit, a_message_whose_sender_has_gone_on_is_lost) {
    const program p = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 2}));
    std::vector<snapshot> at(2);
    const int i = compute(p, 1, action::forward, 1);
    at[1] = {phase::message, i, message_of(p, 1, i)};
    at[0] = {phase::idle, static_cast<int>(p.view().row(0).size()) - 1, -1};
    const culprit c = find_culprit(p, at, 1);
    EXPECT_EQ(c.worker, 1);
    EXPECT_EQ(c.peer, 0);
    const instruction& named = p.view().row(1)[static_cast<std::size_t>(c.instruction)];
    EXPECT_EQ(named.op, action::recv_activation);
    EXPECT_EQ(named.first, 1);
}

TEST(culprit, a_reduction_leads_to_the_member_that_has_not_started_it) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}), chimera::sync::lazy);
    std::vector<snapshot> at(4);
    for (int w = 0; w < 4; ++w) {
        const int i = index_of(p, w, [](const instruction& x) { return x.op == action::wait_gradient; });
        at[static_cast<std::size_t>(w)] = {phase::reduction, i, -1};
    }
    const int last = index_of(p, 3, [](const instruction& x) { return x.op == action::reduce_gradient; }) - 1;
    at[3] = {phase::computing, last, -1};
    EXPECT_EQ(find_culprit(p, at, 0).worker, 3);
    EXPECT_EQ(find_culprit(p, at, 0).instruction, last);
}

/// Stages that are reduced for every micro-batch: the first reduction is over everywhere, the second waits for worker 3.
TEST(culprit, a_later_reduction_leads_to_the_member_that_has_not_started_that_one) {
    const program p = lower(widen(generate(pipedream{.stages = 2, .micro_batches = 3}), 2));
    const auto second = [&](int w, action op) {
        int to_skip = 1;
        return index_of(p, w, [&](const instruction& x) { return x.op == op && to_skip-- == 0; });
    };
    std::vector<snapshot> at(4);
    at[1] = {phase::reduction, second(1, action::wait_gradient), -1};
    at[3] = {phase::computing, second(3, action::reduce_gradient) - 1, -1};
    EXPECT_EQ(find_culprit(p, at, 1).worker, 3);
    EXPECT_EQ(find_culprit(p, at, 1).instruction, at[3].instruction);
}

TEST(culprit, who_waits_for_a_core_waits_for_its_holder) {
    const program p = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 2}));
    const std::vector<snapshot> at{{phase::core, 0, -1}, {phase::computing, 1, -1}};
    EXPECT_EQ(find_culprit(p, at, 0).worker, 1);
}

TEST(culprit, a_hook_waits_for_those_who_have_not_come_to_it) {
    const program p = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 2}));
    const int update = index_of(p, 0, [](const instruction& x) { return x.op == action::update_weights; });
    const std::vector<snapshot> at{{phase::hook, update, -1}, {phase::computing, 1, -1}};
    EXPECT_EQ(find_culprit(p, at, 0).worker, 1);
}

}  // namespace
