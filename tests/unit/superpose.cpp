// SPDX-License-Identifier: Apache-2.0
// Combinators that save copies yield what the plain ones yield.

#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chimera {
namespace {

void expect_same(const schedule& a, const schedule& b) {
    EXPECT_EQ(a.head, b.head);
    EXPECT_EQ(a.placement, b.placement);
    EXPECT_EQ(a.offsets, b.offsets);
    EXPECT_EQ(a.slots, b.slots);
}

TEST(overlay, of_moved_layers_is_that_of_their_copies) {
    const schedule one = generate(one_f_one_b{6, 3});
    for (const int shift : {0, 2, 4}) {
        const moved layers[] = {{one, 0}, {one, shift, true}};
        const std::vector<schedule> copies = {one, mirror(rotate(one, shift))};
        try {
            expect_same(overlay(layers), overlay(copies));
        } catch (const error& collision) {
            EXPECT_THROW((void)overlay(copies), error) << collision.what();
        }
        const moved alone[] = {{one, shift}};
        expect_same(overlay(alone), rotate(one, shift));
        const moved turned[] = {{one, shift, true}};
        expect_same(overlay(turned), mirror(rotate(one, shift)));
    }
}

TEST(split_start, of_repeated_units_is_that_of_their_concatenation) {
    for (const int stages : {4, 6}) {
        for (const bool halving : {false, true}) {
            const auto table = [&](int n) {
                const schedule one = generate(one_f_one_b{stages, n});
                const schedule way = halving ? halve_backward(one, stages) : double_forward(one, stages);
                const std::vector<schedule> layers = {way, mirror(way)};
                return overlay(layers);
            };
            const schedule unit = table(stages / 2), rest = table(1);
            const int period = 3 * stages;
            for (const int k : {1, 2, 5})
                for (const int ramp : {0, 1, stages / 2 - 1})
                    expect_same(split_start(unit, k, period, rest, ramp),
                                split_start(append(repeat(unit, k, period), rest, k * period), ramp));
        }
    }
}

TEST(superpose, refuses_slots_that_meet_at_any_point) {
    const schedule one = generate(one_f_one_b{2, 4});  // worker 1 is busy from tick 1 to tick 9
    for (int at = 0; at < 8; ++at) EXPECT_THROW((void)append(one, one, at), error) << at;
    EXPECT_NO_THROW((void)append(one, one, 8));
    EXPECT_THROW((void)repeat(one, 3, 7), error);
}

}  // namespace
}  // namespace chimera
