// SPDX-License-Identifier: Apache-2.0
// What the settings come to, against sums by hand and the library called on its own; advice; command lines and files.

#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/io/read.hpp>
#include <executor/play/advisor.hpp>
#include <executor/play/save.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace chimera::executor::play {
namespace {

using testing::HasSubstr;

settings of(const char* family, int stages, int micro_batches) {
    settings out;
    out.of = {{.which = family_named(family), .stages = stages, .micro_batches = micro_batches}};
    return out;
}

TEST(Outcome, IsWhatTheLibrarySaysOnItsOwn) {
    settings asked = of("one_f_one_b", 4, 8);
    asked.forward = 1.5;
    asked.transfer = 0.25;
    const outcome now = compute(asked);
    costs cost;
    cost.forward = 1.5;
    cost.backward = 2;
    cost.transfer = 0.25;
    const timeline played = simulate(lower(generate(one_f_one_b{4, 8})), cost);
    ASSERT_TRUE(now.made);
    EXPECT_DOUBLE_EQ(now.made->found.makespan, metrics(played).makespan);
    EXPECT_EQ(now.peaks, (std::vector<double>{4, 3, 2, 1}));
}

TEST(Outcome, PlainCostsAreAddedByHand) {
    EXPECT_DOUBLE_EQ(compute(of("gpipe", 4, 8)).made->found.makespan, (8 + 3) * 3);
    EXPECT_DOUBLE_EQ(compute(of("data_parallel", 4, 8)).made->found.makespan, 2 * 4 * 3);
    EXPECT_DOUBLE_EQ(compute(of("data_parallel", 4, 8)).peaks[0], 4) << "a whole model of four stages";
}

TEST(Outcome, RefusesInTheLibrarysWords) {
    EXPECT_THAT(compute(of("bidirectional", 5, 4)).refused, HasSubstr(text(refusal::stages_odd)));
    EXPECT_THAT(compute(of("data_parallel", 4, 6)).refused, HasSubstr("multiple of the workers"));
    EXPECT_THAT(compute(of("gpipe", 1024, 1024)).refused, HasSubstr("use fewer"));
    EXPECT_THAT(compute(of("gpipe", 4, 0)).refused, HasSubstr("micro_batches is 0"));
}

TEST(Ranking, IsTheContestsAndTheCurrentChoiceIsInIt) {
    for (const char* family : {"one_f_one_b", "zb_v", "interleaved", "bidirectional", "data_parallel"}) {
        settings asked = of(family, 8, 16);
        asked.transfer = 0.1;
        const outcome now = compute(asked);
        ASSERT_TRUE(now.made) << family;
        const ranking all = rank(contest_of(asked, now), 8);
        const ranked mine = row_of(now);
        const auto found =
            std::find_if(all.rows.begin(), all.rows.end(), [&](const ranked& r) { return r.name == family; });
        ASSERT_NE(found, all.rows.end()) << family;
        EXPECT_NEAR(found->makespan, mine.makespan, 1e-9) << family;
        EXPECT_NEAR(found->peak, mine.peak, 1e-9) << family;
        EXPECT_EQ(found->messages, mine.messages) << family;
        for (const ranked& r : all.rows) {
            EXPECT_GE(r.makespan, all.rows.front().makespan);
            EXPECT_GE(r.peak, all.leanest()->peak);
            EXPECT_NE(r.options.which, family::pipedream) << "other gradients";
        }
    }
}

TEST(Ranking, TakenAdviceTakesAsLongAsItSaid) {
    settings asked = of("one_f_one_b", 4, 8);
    asked.memory = 4;
    asked.transfer = 0.1;
    const ranking all = rank(contest_of(asked, compute(asked)), 4);
    ASSERT_GT(all.rows.size(), 5U);
    EXPECT_GT(all.over_memory, 0) << "gpipe holds eight";
    for (const ranked& r : all.rows) {
        const settings taken = take(asked, r);
        const outcome now = compute(taken);
        ASSERT_TRUE(now.made) << r.name << now.refused;
        EXPECT_EQ(now.made->head.workers, 4) << r.name;
        EXPECT_NEAR(now.made->found.makespan, r.makespan, 1e-9 * r.makespan) << r.name;
        EXPECT_EQ(now.over, "") << r.name;
        const double scale = 4.0 / static_cast<double>(taken.of.stages);
        EXPECT_NEAR(row_of(now).peak * scale, r.peak, 1e-9) << r.name;
    }
}

TEST(Advisor, AnswersTheLastQuestion) {
    advisor beside;
    EXPECT_FALSE(beside.busy());
    for (const int n : {64, 32, 8}) {
        const settings asked = of("gpipe", 4, n);
        beside.ask(asked, compute(asked));
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (beside.busy() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto answer = beside.answer();
    ASSERT_NE(answer, nullptr);
    const auto gpipe =
        std::find_if(answer->rows.begin(), answer->rows.end(), [](const ranked& r) { return r.name == "gpipe"; });
    ASSERT_NE(gpipe, answer->rows.end());
    EXPECT_DOUBLE_EQ(gpipe->makespan, 33) << "of 8 micro-batches";
    const settings refused = of("bidirectional", 5, 4);
    beside.ask(refused, compute(refused));
    EXPECT_FALSE(beside.busy());
    EXPECT_EQ(beside.answer(), nullptr);
}

TEST(Command, NamesWhatDiffersFromTheFamilysOwn) {
    settings asked = of("bidirectional", 4, 8);
    EXPECT_EQ(command(asked, "schedule"), "chimera schedule bidirectional --stages 4 --micro-batches 8");
    asked.of.pipelines = 4;
    asked.of.scale = chimera::scale::doubling;
    asked.of.split = true;
    asked.of.recompute = recompute_named("full", 4);
    asked.memory = 2.5;
    EXPECT_EQ(command(asked, "schedule"),
              "chimera schedule bidirectional --stages 4 --micro-batches 8 --pipelines 4 --scale doubling --split "
              "--recompute full --memory 2.5");
    EXPECT_EQ(command(of("data_parallel", 4, 8), "play"), "chimera play data_parallel --micro-batches 2 --width 4");
}

TEST(Save, WritesWhatReadsBackAndReplacesNothing) {
    const auto folder = std::filesystem::path(testing::TempDir()) / "chimera_play_save";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    settings asked = of("zb_h1", 4, 8);
    asked.transfer = 0.25;
    const outcome now = compute(asked);
    EXPECT_THAT(save(asked, now, folder.string()), HasSubstr("zb_h1-4x8.svg"));
    EXPECT_THAT(save(asked, now, folder.string()), HasSubstr("zb_h1-4x8-2.svg"));
    const auto saved = std::get<schedule>(load_table((folder / "zb_h1-4x8.json").string()));
    const timeline again = simulate(lower(saved), load_costs((folder / "zb_h1-4x8.costs.json").string()).each);
    EXPECT_DOUBLE_EQ(metrics(again).makespan, now.made->found.makespan);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 8);
    EXPECT_THROW((void)save(asked, now, (folder / "missing").string()), chimera_error);
    EXPECT_THROW((void)save(of("gpipe", 0, 8), compute(of("gpipe", 0, 8)), folder.string()), chimera_error);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace chimera::executor::play
