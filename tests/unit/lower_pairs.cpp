// SPDX-License-Identifier: Apache-2.0
// Paired slots in programs: next to each other, what both receive before them, what both send behind them.

#include <chimera/core/spec.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace chimera {
namespace {

/// Two stages, two units. Worker 1 runs the backward of unit 0 together with the forward of unit 1, which starts a tick later,
/// when its input has come.
schedule late_partner() {
    schedule s = generate(one_f_one_b{2, 2});
    const auto slot_of = [&](pass op, int stage, int unit) -> slot& {
        return *std::find_if(s.entries.begin(), s.entries.end(),
                             [&](const slot& x) { return x.op == op && x.stage == stage && x.first == unit; });
    };
    const auto place = [&](pass op, int stage, int unit, int tick, int ticks) {
        slot_of(op, stage, unit).tick = tick;
        slot_of(op, stage, unit).ticks = static_cast<std::uint16_t>(ticks);
    };
    place(pass::forward, 0, 0, 0, 1);
    place(pass::forward, 0, 1, 2, 1);
    place(pass::forward, 1, 0, 1, 1);
    place(pass::backward, 1, 0, 2, 3);
    slot_of(pass::backward, 1, 0).overlap = 1;
    place(pass::forward, 1, 1, 3, 1);
    place(pass::backward, 1, 1, 5, 1);
    place(pass::backward, 0, 0, 5, 1);
    place(pass::backward, 0, 1, 6, 1);
    return s;
}

TEST(lower_pairs, what_the_partner_receives_meanwhile_comes_before_both) {
    const schedule s = late_partner();
    ASSERT_TRUE(verify(s).ok()) << message(verify(s).faults.front());
    const program p = lower(s);
    ASSERT_TRUE(verify(p).ok()) << message(verify(p).faults.front());
    const auto row = p.view().row(1);
    std::vector<action> ops;
    for (const instruction& i : row) ops.push_back(i.op);
    using enum action;
    EXPECT_EQ(ops, (std::vector<action>{recv_activation, forward, recv_activation, backward, forward, send_gradient,
                                        backward, send_gradient, update_weights}));
    EXPECT_EQ(row[3].overlap, 1);
    EXPECT_EQ(row[4].overlap, 0);
    EXPECT_NE(row[3].buffer, row[4].buffer);  // both may run at once
    EXPECT_EQ(p.buffer_counts[1], 2);
}

TEST(lower_pairs, every_pair_of_dualpipe_stays_together) {
    for (const int stages : {2, 4, 8})
        for (const int more : {0, 2, 6}) {
            const schedule s = generate(dualpipe{stages, 2 * stages + more});
            for (const reduction_start mode :
                 {reduction_start::lazy, reduction_start::eager, reduction_start::eager_opt}) {
                const program p = lower(s, mode);
                ASSERT_TRUE(verify(p).ok()) << stages << ' ' << message(verify(p).faults.front());
                const auto pairs =
                    std::count_if(s.entries.begin(), s.entries.end(), [](const slot& x) { return x.overlap != 0; });
                std::ptrdiff_t found = 0;
                for (std::size_t i = 0; i + 1 < p.instructions.size(); ++i) {
                    if (!p.instructions[i].overlap) continue;
                    ++found;
                    ASSERT_TRUE(is_compute(p.instructions[i + 1].op));
                }
                ASSERT_EQ(found, pairs);
            }
        }
}

}  // namespace
}  // namespace chimera
