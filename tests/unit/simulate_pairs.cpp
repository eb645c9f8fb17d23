// SPDX-License-Identifier: Apache-2.0
// Slots that run in pairs, in re-timing, in simulation and in the metrics. All times below were worked out by hand.

#include <chimera/algebra/compact.hpp>
#include <chimera/core/query.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace chimera {
namespace {

constexpr slot forward(int stage, int unit, bool overlap = false) {
    return {.first = unit, .stage = static_cast<std::uint16_t>(stage), .op = pass::forward, .overlap = overlap};
}
constexpr slot backward(int stage, int unit, bool overlap = false) {
    slot s{.first = unit, .stage = static_cast<std::uint16_t>(stage), .ticks = 2, .op = pass::backward};
    s.overlap = overlap;
    return s;
}

/// Two workers, three micro-batches. Worker 0: F0 F1 (F2 B0) B1 B2; worker 1: F0 (B0 F1) (B1 F2) B2.
constexpr schedule two_workers() {
    schedule out{{"custom", 2, 2, 1, 3, 1}, {0, 1}, {0, 6, 12}, {}};
    for (const slot& s :
         {forward(0, 0), forward(0, 1), forward(0, 2, true), backward(0, 0), backward(0, 1), backward(0, 2),
          forward(1, 0), backward(1, 0, true), forward(1, 1), backward(1, 1, true), forward(1, 2), backward(1, 2)})
        out.entries.push_back(s);
    return out;
}

constexpr costs measured() {
    return {.forward = 1, .backward = 2, .paired = std::vector<double>{2.5, 2.25}, .transfer = 0.25};
}

using span_list = std::vector<std::pair<double, double>>;

span_list spans(const timeline& of, int w) {
    span_list out;
    for (const step& s : of.row(w))
        if (is_compute(s.op)) out.push_back({s.begin, s.end});
    return out;
}

TEST(pairs, compact_starts_a_pair_when_both_can_start) {
    const schedule s = compact(two_workers());
    std::vector<int> ticks;
    for (const slot& x : s.entries) ticks.push_back(x.tick);
    EXPECT_THAT(ticks, testing::ElementsAre(0, 1, 4, 4, 8, 10, 1, 2, 2, 6, 6, 8));
    EXPECT_TRUE(laws::ordered(s.view()));
}
static_assert(makespan(compact(two_workers())) == 12);

TEST(pairs, take_their_own_cost) {
    const timeline t = simulate(two_workers(), measured());
    EXPECT_EQ(spans(t, 0), (span_list{{0, 1}, {1, 2}, {4.75, 7.25}, {4.75, 7.25}, {10, 12}, {12, 14}}));
    EXPECT_EQ(spans(t, 1),
              (span_list{{1.25, 2.25}, {2.25, 4.5}, {2.25, 4.5}, {7.5, 9.75}, {7.5, 9.75}, {9.75, 11.75}}));
}

TEST(pairs, take_the_sum_of_both_where_no_cost_is_given) {
    costs c = measured();
    c.paired = per_stage(std::vector<double>{});
    const timeline t = simulate(two_workers(), c);
    EXPECT_EQ(spans(t, 0), (span_list{{0, 1}, {1, 2}, {5.5, 8.5}, {5.5, 8.5}, {12, 14}, {14, 16}}));
    EXPECT_EQ(spans(t, 1),
              (span_list{{1.25, 2.25}, {2.25, 5.25}, {2.25, 5.25}, {8.75, 11.75}, {8.75, 11.75}, {11.75, 13.75}}));
}

TEST(pairs, a_forward_with_half_a_backward_takes_the_sum) {
    schedule s = two_workers();
    for (slot& x : s.entries)
        if (x.op == pass::backward) x.op = pass::input_gradient;
    costs c = measured();
    c.input_gradient = 1.5;
    EXPECT_EQ(spans(simulate(s, c), 1)[1], std::pair(2.25, 4.75));
}

TEST(pairs, paired_costs_are_per_micro_batch_and_as_many_as_stages) {
    schedule s = two_workers();
    s.head.micro_batches = 2;
    s.head.micro_batch_parts = 2;
    EXPECT_EQ(spans(simulate(s, measured()), 1)[1], std::pair(1.125, 2.25));
    costs c = measured();
    s = two_workers();
    s.head.stages = 3;
    EXPECT_THROW((void)simulate(s, c), chimera_error);
}

TEST(pairs, metrics_count_a_pair_once) {
    const metrics_report m = metrics(simulate(two_workers(), measured()));
    EXPECT_DOUBLE_EQ(m.makespan, 14);
    EXPECT_DOUBLE_EQ(m.workers[0].busy, 8.5);
    EXPECT_DOUBLE_EQ(m.workers[1].busy, 7.5);
    EXPECT_DOUBLE_EQ(m.bubble_ratio, 1 - 16.0 / 28);
    EXPECT_EQ(m.slot_total, 12);
    // F0, then F0, B0 with F1, B1 with F2 on worker 1 and F2 with B0, B1, B2 on worker 0
    EXPECT_EQ(m.critical.forwards, 3);
    EXPECT_EQ(m.critical.backwards, 4);
}

program paired_program() {
    program p = lower(compact(two_workers()));
    for (instruction& i : p.instructions) {
        const bool first = i.op == action::forward ? i.stage == 0 && i.first == 2
                                                   : i.op == action::backward && i.stage == 1 && i.first < 2;
        i.overlap = first ? 1 : 0;
    }
    return p;
}

TEST(pairs, of_a_program_run_together_where_their_cost_is_known) {
    const program p = paired_program();
    const timeline expected = simulate(two_workers(), measured());
    for (int cores : {0, 2, 1}) {
        const timeline t = simulate(p, measured(), cores);
        if (cores != 1) {
            EXPECT_EQ(spans(t, 0), spans(expected, 0));
            EXPECT_EQ(spans(t, 1), spans(expected, 1));
        }
        EXPECT_EQ(metrics(t).slot_total, 12);
        EXPECT_DOUBLE_EQ(metrics(t).workers[0].busy, 8.5);
        EXPECT_DOUBLE_EQ(metrics(t).workers[1].busy, 7.5);
    }
}

TEST(pairs, of_a_program_run_one_after_the_other_where_it_is_not) {
    program p = paired_program();
    costs c = measured();
    c.paired = per_stage(std::vector<double>{});
    const timeline together = simulate(p, c);
    for (instruction& i : p.instructions) i.overlap = 0;
    const timeline apart = simulate(p, measured());
    EXPECT_EQ(spans(together, 0), spans(apart, 0));
    EXPECT_EQ(spans(together, 1), spans(apart, 1));
}

TEST(pairs, that_wait_for_each_other_are_refused) {
    schedule s{{"custom", 2, 2, 1, 1, 1}, {0, 1}, {0, 2, 4}, {}};
    s.entries = {forward(0, 0, true), backward(0, 0), forward(1, 0), backward(1, 0)};
    EXPECT_THROW((void)compact(s), chimera_error);
    EXPECT_THROW((void)simulate(s, measured()), chimera_error);
    s.entries[0].overlap = 0;
    EXPECT_EQ(makespan(compact(s)), 6);
}

TEST(pairs, a_mark_on_the_last_slot_of_a_row_joins_nothing) {
    schedule s{{"custom", 2, 2, 1, 1, 1}, {0, 1}, {0, 2, 4}, {}};
    s.entries = {forward(0, 0), backward(0, 0, true), forward(1, 0), backward(1, 0, true)};
    EXPECT_EQ(makespan(compact(s)), 6);
}

TEST(halves, of_a_backward_run_when_their_inputs_are_there) {
    schedule s{{"custom", 2, 2, 1, 1, 1}, {0, 1}, {0, 3, 6}, {}};
    for (const std::uint16_t stage : {std::uint16_t{0}, std::uint16_t{1}})
        for (const pass op : {pass::forward, pass::input_gradient, pass::weight_gradient})
            s.entries.push_back({.first = 0, .stage = stage, .op = op});
    const costs c{.forward = 1, .input_gradient = 2, .weight_gradient = 3};
    const timeline t = simulate(s, c);
    EXPECT_EQ(spans(t, 0), (span_list{{0, 1}, {4, 6}, {6, 9}}));
    EXPECT_EQ(spans(t, 1), (span_list{{1, 2}, {2, 4}, {4, 7}}));
    // the weight gradient yields nothing that another worker waits for: put off, it delays nobody
    std::swap(s.entries[1], s.entries[2]);
    EXPECT_EQ(spans(simulate(s, c), 1), spans(t, 1));
    EXPECT_EQ(compact(s).entries[2].tick, 3);
}

}  // namespace
}  // namespace chimera
