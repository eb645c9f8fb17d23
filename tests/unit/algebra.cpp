// SPDX-License-Identifier: Apache-2.0
// The combinators that families are made of: what they keep, what they change, what they refuse.

#include <chimera/algebra.hpp>
#include <chimera/core/query.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/reorder.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>
#include <vector>

namespace chimera {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Every pass with its tick, whatever worker runs it.
auto passes_of(schedule_view of) {
    std::map<std::tuple<int, int, int>, int> out;
    for (const slot& s : of.entries) out[{static_cast<int>(s.op), s.stage, s.first}] = s.tick;
    return out;
}

TEST(algebra, fold_and_loop_move_rows_and_keep_ticks) {
    const schedule line = generate(one_f_one_b{8, 2});
    for (const schedule& made : {fold(line), loop(line, 2), loop(line, 1), fold(loop(line, 2))}) {
        EXPECT_TRUE(verify(made).ok());
        EXPECT_EQ(passes_of(made), passes_of(line));
    }
    EXPECT_EQ(fold(line).placement, (std::vector<std::int32_t>{0, 1, 2, 3, 3, 2, 1, 0}));
    EXPECT_EQ(loop(line, 2).placement, (std::vector<std::int32_t>{0, 1, 2, 3, 0, 1, 2, 3}));
    EXPECT_EQ(fold(loop(line, 2)).placement, (std::vector<std::int32_t>{0, 1, 1, 0, 0, 1, 1, 0}));
}

TEST(algebra, fold_and_loop_refuse_what_does_not_fit) {
    EXPECT_THAT(
        [] {
            (void)fold(generate(one_f_one_b{5, 2}));
        },
        ThrowsMessage<chimera_error>(HasSubstr("odd number of workers")));
    EXPECT_THAT(
        [] {
            (void)loop(generate(one_f_one_b{6, 2}), 4);
        },
        ThrowsMessage<chimera_error>(HasSubstr("divisor of the workers")));
    EXPECT_THAT(
        [] {
            (void)loop(generate(one_f_one_b{6, 2}), 0);
        },
        ThrowsMessage<chimera_error>(HasSubstr("divisor of the workers")));
    // More micro-batches than a basic unit holds do not fit on a fold: stage 0 and stage 7 meet on worker 0.
    EXPECT_THAT(
        [] {
            (void)fold(generate(one_f_one_b{8, 5}));
        },
        ThrowsMessage<chimera_error>(HasSubstr("two slots at tick 8 of worker 0")));
}

TEST(algebra, split_backward_keeps_the_order_and_puts_the_halves_together) {
    const schedule whole = generate(one_f_one_b{4, 6});
    const schedule made = split_backward(whole);
    EXPECT_TRUE(verify(made).ok());
    ASSERT_EQ(made.entries.size(), whole.entries.size() * 3 / 2);
    for (int w = 0; w < 4; ++w) {
        std::size_t i = 0;
        for (const slot& s : whole.view().row(w)) {
            const auto row = made.view().row(w);
            EXPECT_EQ(row[i].first, s.first);
            EXPECT_EQ(row[i].op, s.op == pass::backward ? pass::input_gradient : s.op);
            if (s.op == pass::backward) {
                EXPECT_EQ(row[++i].op, pass::weight_gradient);
            }
            ++i;
        }
    }
}

/// The least makespan by trying: every worker runs its order, and weight gradients anywhere behind their input gradients.
TEST(algebra, fill_uses_every_bubble_that_it_can_and_keeps_to_the_memory) {
    for (int stages = 1; stages <= 6; ++stages)
        for (int n = 1; n <= 10; ++n) {
            const schedule halves = split_backward(generate(one_f_one_b{stages, n}));
            int before = makespan(halves);
            for (int memory = std::min(stages, n); memory <= 2 * stages; ++memory) {
                const schedule made = fill(halves, memory);
                ASSERT_TRUE(verify(made).ok());
                for (int w = 0; w < stages; ++w) ASSERT_LE(peak_units(made, worker{w}), memory);
                ASSERT_LE(makespan(made), before) << "more memory, D=" << stages << " N=" << n;
                before = makespan(made);
            }
        }
    EXPECT_THAT(
        [] {
            (void)fill(split_backward(generate(one_f_one_b{4, 6})), 3);
        },
        ThrowsMessage<chimera_error>(HasSubstr("memory is too small")));
    EXPECT_THROW((void)fill(split_backward(generate(one_f_one_b{4, 6})), 0), chimera_error);
}

TEST(algebra, pair_joins_forwards_with_backwards_of_other_units) {
    const schedule made = pair(generate(one_f_one_b{4, 8}));
    EXPECT_TRUE(verify(made).ok());
    int pairs = 0;
    for (std::size_t i = 0; i + 1 < made.entries.size(); ++i) {
        if (made.entries[i].overlap == 0) continue;
        ++pairs;
        EXPECT_EQ(made.entries[i].op, pass::forward);
        EXPECT_EQ(made.entries[i + 1].op, pass::backward);
        EXPECT_EQ(made.entries[i].tick, made.entries[i + 1].tick);
        EXPECT_NE(made.entries[i].first, made.entries[i + 1].first);
    }
    // Worker w has 8 - (4 - w) forwards behind a backward; the one after the last warm-up forward pairs as well.
    EXPECT_EQ(pairs, 5 + 6 + 7);
}

TEST(algebra, recompute_stays_out_of_pairs) {
    const schedule whole = generate(dualpipe{4, 8});
    const schedule made = recompute(whole, std::vector<std::uint8_t>(4, 1));
    EXPECT_TRUE(verify(made).ok());
    int pairs = 0;
    for (std::size_t i = 0; i + 1 < made.entries.size(); ++i)
        if (made.entries[i].overlap == 1) {
            ++pairs;
            EXPECT_EQ(made.entries[i + 1].op, pass::backward);
        }
    EXPECT_EQ(pairs, static_cast<int>(std::count_if(whole.entries.begin(), whole.entries.end(),
                                                    [](const slot& s) { return s.overlap == 1; })));
}

double seconds(schedule_view of, const costs& c) { return metrics(simulate(of, c)).makespan; }

TEST(algebra, compact_under_costs_is_never_longer_and_keeps_to_the_memory) {
    std::mt19937 dice(7);
    const auto cost = [&](double least, double most) {
        std::vector<double> each;
        for (int s = 0; s < 16; ++s) each.push_back(least + (most - least) * static_cast<double>(dice() % 1000) / 1000);
        return each;
    };
    int shorter = 0;
    for (int k = 0; k < 200; ++k) {
        const costs c{.forward = cost(1, 2),
                      .backward = cost(2, 4),
                      .input_gradient = cost(1, 2),
                      .weight_gradient = cost(0.5, 2),
                      .transfer = cost(0, 0.3)};
        const int n = 1 + static_cast<int>(dice() % 12);
        for (const schedule& s :
             {generate(one_f_one_b{4, n}), generate(bidirectional{4, n}),
              generate(bidirectional{4, n, 2, scale::doubling}), generate(bidirectional{8, n, 4, scale::direct, true}),
              generate(zb_v{8, n}), generate(wave{8, n}), generate(interleaved{8, n, 2})}) {
            const schedule made = compact(s, c);
            ASSERT_TRUE(verify(made).ok()) << message(verify(made).faults[0]);
            ASSERT_LE(seconds(made, c), seconds(s, c) * (1 + 1e-12));
            shorter += seconds(made, c) < seconds(s, c) * 0.999;
            for (int w = 0; w < s.head.workers; ++w) ASSERT_LE(peak_units(made, worker{w}), peak_units(s, worker{w}));
        }
    }
    EXPECT_GT(shorter, 100);  // of 1,400
}

TEST(algebra, compact_under_costs_uses_the_memory_it_is_given) {
    const costs c{.forward = 1, .backward = 1, .input_gradient = 1, .weight_gradient = 1, .transfer = 1};
    const schedule s = generate(zb_h1{4, 12});
    const schedule more = compact(s, c, 8);
    EXPECT_TRUE(verify(more).ok());
    EXPECT_LT(seconds(more, c), seconds(s, c));
    EXPECT_GT(peak_units(more, worker{0}), 4);
    EXPECT_LE(peak_units(more, worker{0}), 8);
    for (const int memory : {1, 0})
        EXPECT_THAT([&] { (void)compact(s, c, memory); },
                    ThrowsMessage<chimera_error>(HasSubstr("memory is too small")));
    EXPECT_THAT(
        [&] {
            (void)compact(generate(dualpipe{4, 8}), c);
        },
        ThrowsMessage<chimera_error>(HasSubstr("re-ordering of pairs")));
}

}  // namespace
}  // namespace chimera
