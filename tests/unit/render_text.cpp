// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/program_text.hpp>
#include <chimera/render/text.hpp>
#include <chimera/schedule.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chimera {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string rows(const schedule& of, const text_options& how = {}) {
    const std::string all = text(ticks_timeline(of), how);
    return all.substr(all.find('\n') + 1);
}

TEST(Text, ShowsChimeraAsThePaperDoes) {
    const schedule made = generate(bidirectional{.stages = 4, .micro_batches = 4});
    EXPECT_EQ(rows(made),
              "w0  d0 ·  d1 u0 U0 u1 U1 D0 ·  D1\n"
              "w1  ·  d0 u0 d1 u1 U0 D0 U1 D1 ·\n"
              "w2  ·  u0 d0 u1 d1 D0 U0 D1 U1 ·\n"
              "w3  u0 ·  u1 d0 D0 d1 D1 U0 ·  U1\n");
    EXPECT_THAT(text(ticks_timeline(made)),
                HasSubstr("4 stages on 4 workers, 4 micro-batches, 2 pipelines; makespan 10 "
                          "ticks, bubble ratio 0.2\n"));
}

TEST(Text, NamesPassesOfOnePipeline) {
    EXPECT_EQ(rows(generate(gpipe{2, 2})),
              "w0  F0 F1 ·  ·  B0 B1\n"
              "w1  ·  F0 F1 B0 B1 ·\n");
}

TEST(Text, NamesRecomputeHalvesAndPairs) {
    const schedule one = generate(one_f_one_b{1, 1});
    EXPECT_EQ(rows(recompute(one, std::array<std::uint8_t, 1>{1})), "w0  F0 R0 B0\n");
    EXPECT_THAT(rows(generate(bidirectional{2, 2, 2, scale::halving})), HasSubstr("D0a"));
    EXPECT_THAT(rows(generate(bidirectional{2, 4, 2, scale::doubling})), HasSubstr("d0-1"));
}

TEST(Text, TellsManyPipelinesApart) {
    const std::string four = rows(generate(bidirectional{8, 8, 4}));
    for (const char* cell : {"a0", "A1", "b0", "c1", "D0"}) EXPECT_THAT(four, HasSubstr(cell));
    EXPECT_THAT(rows(generate(data_parallel{1, 2, 30})), HasSubstr("p29f0 p29b0 p29f1 p29b1"))
        << "order of a single worker's cells";
}

TEST(Text, FillsLongSlotsAndPadsShortNames) {
    schedule made = generate(gpipe{1, 11});
    for (slot& s : made.entries) s.tick = s.op == pass::forward ? s.first : 11 + 2 * s.first;
    for (slot& s : made.entries) s.ticks = s.op == pass::forward ? 1 : 2;
    const std::string row = rows(made);
    EXPECT_THAT(row, HasSubstr("F9  F10 B0───── B1"));
    EXPECT_THAT(row, HasSubstr(" B10────\n"));
}

TEST(Text, KeepsToTheTerminalsWidth) {
    const schedule made = generate(one_f_one_b{4, 100});
    std::istringstream lines(rows(made, {.columns = 80}));
    int seen = 0;
    for (std::string line; std::getline(lines, line); ++seen) {
        std::size_t characters = 0;
        for (const char c : line) characters += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
        EXPECT_LE(characters, 80u);
        EXPECT_GT(characters, 60u);
        EXPECT_THAT(line, HasSubstr("FB"));
    }
    EXPECT_EQ(seen, 4);
}

TEST(Text, LeavesOutTheMiddleOfManyWorkers) {
    const std::string shown = rows(generate(data_parallel{1, 1, 1000}));
    EXPECT_THAT(shown, HasSubstr("… 744 more workers …"));
    EXPECT_THAT(shown, HasSubstr("w999"));
    EXPECT_THAT(shown, Not(HasSubstr("w500 ")));
}

TEST(Text, ColoursOnlyOnRequest) {
    const schedule made = generate(gpipe{2, 2});
    EXPECT_THAT(rows(made), Not(HasSubstr("\x1b")));
    std::string bare;
    const std::string coloured = rows(made, {.colour = true});
    for (std::size_t i = 0; i < coloured.size(); ++i) {
        if (coloured[i] == '\x1b')
            i = coloured.find('m', i);
        else
            bare.push_back(coloured[i]);
    }
    EXPECT_EQ(bare, rows(made));
}

TEST(Text, DrawsAnEmptyTimeline) {
    schedule none{{"nothing", 2, 1, 2, 1, 1}, {0, 1}, {0, 0, 0}, {}};
    EXPECT_EQ(rows(none), "w0  \nw1  \n");
}

TEST(Csv, WritesPyTorchCells) { EXPECT_EQ(csv(generate(gpipe{2, 2})), "0F0,0F1,,,0B0,0B1\n,1F0,1F1,1B0,1B1,\n"); }

TEST(Csv, RefusesWhatItCannotHold) {
    EXPECT_THROW((void)csv(generate(bidirectional{2, 2})), chimera_error);
    EXPECT_THROW((void)csv(double_forward(generate(one_f_one_b{2, 2}), 2)), chimera_error);
}

TEST(Listing, NamesEveryInstruction) {
    const program made = lower(generate(bidirectional{.stages = 2, .micro_batches = 2}));
    const std::string all = text(program_view(made));
    for (int op = 0; op < action_count; ++op) {
        const auto what = static_cast<action>(op);
        const bool used = std::any_of(made.instructions.begin(), made.instructions.end(),
                                      [&](const instruction& i) { return i.op == what; });
        EXPECT_EQ(all.find(std::string("  ") + name(what)) != std::string::npos, used) << name(what);
    }
    EXPECT_EQ(static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')), made.instructions.size() + 3);
}

}  // namespace
}  // namespace chimera
