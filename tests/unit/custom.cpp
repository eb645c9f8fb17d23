// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/program/fixed_program.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// Two pipelines, the second one up the workers.
constexpr char both_ways[] = "0F0@0 1F1@1 1B1@1 0B0@0; 0F1@1 1F0 1B0 0B1@1";
static_assert(verify(proven<fixed_lowered<custom{both_ways}>>).ok());

TEST(Custom, SeveralPipelines) {
    const schedule made = generate(custom{both_ways});
    EXPECT_EQ(made.head.pipelines, 2);
    EXPECT_EQ(made.placement, (std::vector<std::int32_t>{0, 1, 1, 0}));
    EXPECT_TRUE(verify(made).ok());
    EXPECT_EQ(custom{"0F0@1 0B0@1"}.refused(), refusal::custom_stage_missing);
}

/// Returns an order as a text for `custom`.
std::string spelled(const schedule& order) {
    std::string out;
    const auto cell = [&](const slot& s) {
        out += std::to_string(s.stage) + letter(s.op) + std::to_string(s.first);
        if (s.count > 1) out += '-' + std::to_string(s.first + s.count - 1);
        if (s.pipeline > 0 || s.first % 3 == 0) out += '@' + std::to_string(s.pipeline);
    };
    for (int w = 0; w < order.head.workers; ++w) {
        const auto row = order.view().row(w);
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (row[i].overlap != 0) out += '(';
            cell(row[i]);
            if (row[i].overlap != 0) out += ';';
            if (i > 0 && row[i - 1].overlap != 0) out += ")OVERLAP_F_B";
            if (row[i].overlap == 0) out += w % 2 == 0 ? " " : ", ";
        }
        out += w % 2 == 0 ? ";" : "\n";
    }
    return out;
}

/// Text at run time gives the order of any family whose micro-batches stay whole.
TEST(Custom, TextAtRunTimeIsAnyFamily) {
    int tried = 0;
    for (std::size_t f = 0; f < family_labels.size(); ++f) {
        for (const auto& [workers, micro_batches] : {std::pair{1, 1}, {2, 5}, {3, 8}, {4, 9}, {6, 14}, {8, 31}}) {
            for (const scale beyond : {scale::direct, scale::doubling}) {
                const family_spec spec =
                    family_spec{.which = static_cast<family>(f), .micro_batches = micro_batches, .scale = beyond}
                        .for_workers(workers);
                if (spec.refused() != refusal::none || asynchronous(spec.which)) continue;
                const schedule made = generate(spec);
                std::set<int> working;  // a text cannot show a pipeline that has no micro-batch
                for (const slot& s : made.entries) working.insert(s.pipeline);
                if (static_cast<int>(working.size()) < made.head.pipelines) continue;
                const std::string text = spelled(made);
                const schedule read = generate(custom{text});
                EXPECT_EQ(spelled(read), text) << family_labels[f];
                EXPECT_EQ(read.placement, made.placement);
                EXPECT_EQ(read.head.pipelines, made.head.pipelines);
                EXPECT_EQ(verify(custom{std::string_view(text)}).ok(), true) << family_labels[f];
                EXPECT_EQ(lower(custom{text}).instructions.size(), lower(made).instructions.size());
                ++tried;
            }
        }
    }
    EXPECT_GT(tried, 100);
}

TEST(Custom, RefusesPipelinesAndRangesThatAreNone) {
    for (const char* text : {"0F0@", "0F0@x", "0F0@65536", "0F3-2", "0F0-127", "0F0-", "0F0@0@0", "0F0@0-1", "0F@1"})
        EXPECT_EQ(custom{std::string_view(text)}.refused(), refusal::custom_cell) << text;
    EXPECT_EQ(custom{"0F0@7 0B0@7"}.refused(), refusal::custom_stage_missing);
    EXPECT_EQ(custom{"65535F0@65535"}.refused(), refusal::custom_stage_missing);
    EXPECT_EQ(custom{"0F0@1 0B0@0; 0B0@1"}.refused(), refusal::custom_stage_twice);
    EXPECT_EQ(generate(custom{"0F0-126 0B0-126"}).head.micro_batches, 127);
    const std::string_view none;
    EXPECT_EQ(custom{none}.refused(), refusal::custom_empty);
    EXPECT_THROW((void)lower(custom{none}), chimera_error);
    EXPECT_THROW((void)verify(bidirectional{3, 4}), chimera_error);
}

/// What waits for each other is named; what does not, is not.
TEST(Custom, RowsThatWaitForEachOther) {
    const report found = verify(generate(custom{"0F0 0F1 0B1 0B0; 1F0 1F1 1B0 1B1; 2F0 2B0 2B1 2F1"}));
    ASSERT_TRUE(found.broken(law::ordered));
    for (const fault& f : found.faults) EXPECT_EQ(f.unit, 1) << message(f);
}

}  // namespace
}  // namespace chimera
