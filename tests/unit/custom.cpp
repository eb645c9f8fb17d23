// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

namespace chimera {
namespace {

constexpr auto& table = proven<table_of<custom{"0F0 0F1 . 0B0 . 0B1; . 1F0 1B0 1F1 1B1"}>>;
static_assert(makespan(table) == 6 && verify(lower(table)).ok());

// What proven<> would say of a broken order.
static_assert(verify(table_of<custom{"0F0 0B0; 1B0 1F0"}>).faults.front().law == law::ordered);
static_assert(table_of<custom{"0F0 0B0; 1B0 1F0"}>.head.workers == 2);
static_assert(verify(table_of<custom{"0F0 0B0; 1F0"}>).faults.front().law == law::once);

TEST(Custom, IsThePublishedOrderWhereItSpellsOne) {
    const schedule made = compact(generate(one_f_one_b{2, 3}));
    const schedule spelled = generate(custom{"0F0 0F1 0B0 0F2 0B1 0B2\n1F0 1B0 1F1 1B1 1F2 1B2\n"});
    EXPECT_EQ(spelled.entries, made.entries);
    EXPECT_EQ(spelled.placement, made.placement);
    EXPECT_EQ(spelled.head.family, label("custom"));
}

TEST(Custom, SeveralStagesOnAWorkerAndPairs) {
    const schedule made =
        generate(custom{"0F0,0F1,3F0,(3F1;3B0)OVERLAP_F_B,3B1,0B0,0B1;1F0 1F1 2F0 2F1 2B0 2B1 1B0 1B1"});
    EXPECT_EQ(made.head.stages, 4);
    EXPECT_EQ(made.placement, (std::vector<std::int32_t>{0, 1, 1, 0}));
    EXPECT_EQ(made.entries[3].overlap, 1);
    EXPECT_EQ(made.entries[3].tick, made.entries[4].tick);
    EXPECT_EQ(made.entries[3].ticks, 2);
    EXPECT_TRUE(verify(made).ok());
}

TEST(Custom, FullBackwardsAmongHalvesTakeTwoTicks) {
    const schedule made = generate(custom{"0F0 0F1 0B0 0I1 0W1"});
    EXPECT_EQ(made.entries[2].ticks, 2);
    EXPECT_EQ(made.entries[3].ticks, 1);
}

TEST(Custom, RefusesWhatIsNoOrder) {
    EXPECT_EQ(custom{""}.refused(), refusal::custom_empty);
    EXPECT_EQ(custom{" ; . ;\n"}.refused(), refusal::custom_empty);
    EXPECT_EQ(custom{"0F0 0X0"}.refused(), refusal::custom_cell);
    EXPECT_EQ(custom{"0F0 0SEND_F0"}.refused(), refusal::custom_cell);
    EXPECT_EQ(custom{"0F0 0B0; 0F1 0B1"}.refused(), refusal::custom_stage_twice);
    EXPECT_EQ(custom{"0F0 0B0; 2F0 2B0"}.refused(), refusal::custom_stage_missing);
    EXPECT_EQ(custom{"0F0 0B2000000000"}.refused(), refusal::custom_numbers);
    EXPECT_THROW((void)generate(custom{"0F0 nonsense"}), chimera_error);
}

/// What waits for each other is named; what does not, is not.
TEST(Custom, RowsThatWaitForEachOther) {
    const report found = verify(generate(custom{"0F0 0F1 0B1 0B0; 1F0 1F1 1B0 1B1; 2F0 2B0 2B1 2F1"}));
    ASSERT_TRUE(found.broken(law::ordered));
    for (const fault& f : found.faults) EXPECT_EQ(f.unit, 1) << message(f);
}

}  // namespace
}  // namespace chimera
