// SPDX-License-Identifier: Apache-2.0
// Errors that name the fault of a broken schedule or program: chimera_error::complaint().

#include "attack_specs.hpp"

#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;

constexpr limits all_faults{.faults = std::numeric_limits<std::int32_t>::max()};

/// A schedule of odd numbers of stages and micro-batches, some in three copies.
schedule odd_schedule(dice& d) {
    const int stages = 2 * roll(d, 1, 4) + 1, micro_batches = 2 * roll(d, 0, 5) + 1;
    schedule out =
        roll(d, 0, 1) == 0 ? generate(one_f_one_b{stages, micro_batches}) : generate(zb_h2{stages, micro_batches});
    return roll(d, 0, 2) == 0 ? widen(out, 3) : out;
}

/// Changes one slot: its tick, its stage, its unit, its pass or its length.
void mutate(schedule& s, dice& d) {
    slot& x = s.entries[static_cast<std::size_t>(roll(d, 0, static_cast<int>(s.entries.size()) - 1))];
    switch (roll(d, 0, 4)) {
        case 0:
            x.tick = roll(d, -1, 30);
            break;
        case 1:
            x.stage = static_cast<std::uint16_t>(roll(d, 0, s.head.stages));
            break;
        case 2:
            x.first = roll(d, -1, s.head.units());
            break;
        case 3:
            x.op = static_cast<pass>(roll(d, 0, 3));
            break;
        default:
            x.ticks = static_cast<std::uint16_t>(roll(d, 0, 3));
    }
}

void erase(schedule& s, int at) {
    s.entries.erase(s.entries.begin() + at);
    for (std::int32_t& offset : s.offsets) offset -= offset > at ? 1 : 0;
}

/// The error that `call` throws; nothing where it throws none.
std::optional<chimera_error> thrown_by(const std::function<void()>& call) {
    try {
        call();
    } catch (const chimera_error& e) {
        return e;
    }
    return std::nullopt;
}

bool has(const report& found, complaint what) {
    return std::any_of(found.faults.begin(), found.faults.end(), [&](const fault& f) { return f.what == what; });
}

TEST(fault_codes, require_names_the_first_fault_of_any_mutation) {
    dice d(37);
    int broken = 0;
    while (broken < 2000) {
        schedule s = odd_schedule(d);
        for (int k = roll(d, 1, 3); k > 0; --k) mutate(s, d);
        const report found = verify(s);
        const auto error = thrown_by([&] { require(found); });
        ASSERT_EQ(error.has_value(), !found.ok());
        if (found.ok()) continue;
        ++broken;
        EXPECT_EQ(error->code(), error_code::law);
        EXPECT_EQ(error->complaint(), found.faults.front().what);
        EXPECT_EQ(error->refusal(), std::nullopt);
    }
}

TEST(fault_codes, lower_names_a_fault_that_verify_finds) {
    dice d(41);
    int refused = 0, alone = 0;
    while (refused < 500 || alone < 100) {
        schedule s = odd_schedule(d);
        const int at = roll(d, 0, static_cast<int>(s.entries.size()) - 1);
        if (roll(d, 0, 1) == 0)
            s.entries[static_cast<std::size_t>(at)].tick = roll(d, 0, 30);
        else
            erase(s, at);
        const auto error = thrown_by([&] { (void)lower(s); });
        if (!error) continue;
        ++refused;
        const report found = verify(s, all_faults);
        ASSERT_EQ(error->code(), error_code::law) << error->what();
        EXPECT_TRUE(has(found, error->complaint().value())) << error->what();
        const complaint first = found.faults.front().what;
        const auto is_first = [&](const fault& f) { return f.what == first; };
        if (!std::all_of(found.faults.begin(), found.faults.end(), is_first)) continue;
        ++alone;
        EXPECT_EQ(error->complaint(), first) << error->what();
    }
}

TEST(fault_codes, simulate_names_a_wait_without_end) {
    schedule s = generate(one_f_one_b{3, 5});
    std::swap(s.entries[0], s.entries[static_cast<std::size_t>(s.offsets[1]) - 1]);  // a backward before its forward
    const auto error = thrown_by([&] { (void)simulate(s); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->complaint(), complaint::deadlock);
    EXPECT_FALSE(verify(s).ok());

    program p = lower(generate(one_f_one_b{3, 5}));
    const auto found = std::find_if(p.instructions.begin(), p.instructions.end(),
                                    [](const instruction& i) { return i.op == action::send_activation; });
    std::swap(*found, *(p.instructions.begin() + p.offsets[1] - 2));
    const auto stuck = thrown_by([&] { (void)simulate(p); });
    ASSERT_TRUE(stuck);
    EXPECT_EQ(stuck->complaint(), complaint::deadlock);
    EXPECT_FALSE(verify(p).ok());
}

TEST(fault_codes, other_errors_name_no_fault) {
    const auto spec = thrown_by([] { (void)generate(one_f_one_b{0, 1}); });
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->complaint(), std::nullopt);
    const auto cost = thrown_by([] { (void)simulate(generate(one_f_one_b{3, 3}), costs{.forward{{1.0, 2.0}}}); });
    ASSERT_TRUE(cost);
    EXPECT_EQ(cost->code(), error_code::input);
    EXPECT_EQ(cost->complaint(), std::nullopt);
}

}  // namespace
}  // namespace chimera
