// SPDX-License-Identifier: Apache-2.0
// Stages that are reduced more than once, and timelines whose memory is used again. Times were worked out by hand.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace chimera {
namespace {

/// Two replicas of one stage; each runs two micro-batches and updates after each of them.
program two_updates() {
    program p;
    p.head = {"custom", 2, 1, 2, 4, 1};
    p.placement = p.members = {0, 1};
    p.offsets = {0};
    p.member_offsets = {0, 2};
    for (std::uint16_t w = 0; w < 2; ++w) {
        for (int m = 0; m < 2; ++m)
            for (const action op : {action::forward, action::backward, action::reduce_gradient, action::wait_gradient,
                                    action::update_weights}) {
                instruction i;
                i.op = op;
                i.pipeline = w;
                i.first = 2 * w + m;
                p.instructions.push_back(i);
            }
        p.offsets.push_back(static_cast<std::int32_t>(p.instructions.size()));
    }
    return p;
}

using span_list = std::vector<std::pair<double, double>>;

span_list spans(std::span<const step> row) {
    span_list out;
    for (const step& s : row) out.push_back({s.begin, s.end});
    return out;
}

TEST(reductions, of_one_stage_come_in_rounds) {
    // one core for both workers: the second starts each reduction later than the first
    const costs c{.forward = 1, .backward = 2, .reduce = {.seconds = 4}, .update = 0.5};
    const timeline t = simulate(two_updates(), c, 1);
    EXPECT_EQ(spans(t.row(0)), (span_list{{0, 1}, {2, 4}, {10, 10.5}, {11, 12}, {13, 15}, {21, 21.5}}));
    EXPECT_EQ(spans(t.row(1)), (span_list{{1, 2}, {4, 6}, {10.5, 11}, {12, 13}, {15, 17}, {21.5, 22}}));
    EXPECT_EQ(spans(t.reductions_of(0)), (span_list{{4, 10}, {15, 21}}));
    EXPECT_EQ(spans(t.reductions_of(1)), (span_list{{6, 10}, {17, 21}}));
}

TEST(reductions, wait_for_a_member_that_never_starts) {
    program p = two_updates();
    p.instructions[12].op = p.instructions[17].op = action::recompute;  // worker 1 reduces nothing
    EXPECT_THROW((void)simulate(p), chimera_error);
}

template <class View>
void expect_same_in_used_memory(const View& of, timeline& used, const costs& c) {
    const timeline fresh = simulate(of, c);
    simulate_into(used, of, c);
    EXPECT_EQ(used.head, fresh.head);
    EXPECT_EQ(used.placement, fresh.placement);
    EXPECT_EQ(used.offsets, fresh.offsets);
    EXPECT_EQ(used.reduction_offsets, fresh.reduction_offsets);
    EXPECT_EQ(spans(used.steps), spans(fresh.steps));
    EXPECT_EQ(spans(used.reductions), spans(fresh.reductions));
    for (std::size_t i = 0; i < fresh.steps.size(); ++i) {
        const step &a = used.steps[i], &b = fresh.steps[i];
        EXPECT_TRUE(a.op == b.op && a.count == b.count && a.pipeline == b.pipeline && a.stage == b.stage &&
                    a.first == b.first)
            << i;
    }
}

TEST(simulate_into, writes_over_whatever_was_there) {
    const costs c{.forward = 1, .backward = 2, .transfer = 0.25, .reduce = {.seconds = 4}, .update = 0.5};
    timeline used;
    for (const int n : {12, 3, 30}) {
        const schedule chimera = generate(bidirectional{.stages = 4, .micro_batches = n});
        const schedule single = generate(one_f_one_b{3, n});
        expect_same_in_used_memory(chimera.view(), used, c);
        expect_same_in_used_memory(lower(single), used, c);
        expect_same_in_used_memory(lower(chimera), used, c);
        expect_same_in_used_memory(single.view(), used, c);
    }
}

}  // namespace
}  // namespace chimera
