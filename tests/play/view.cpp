// SPDX-License-Identifier: Apache-2.0
// What a state looks like: everything fits, says what is, and blocks stand where their passes run.

#include <chimera/render/palette.hpp>

#include <executor/play/view.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chimera::executor::play {
namespace {

using testing::HasSubstr;
using testing::Not;

state with(const char* family, int stages, int micro_batches) {
    state out;
    out.asked.of = {{.which = family_named(family), .stages = stages, .micro_batches = micro_batches}};
    return out;
}

struct picture {
    frame drawn;
    std::string text;
};

picture look_at(const state& s, int rows = 24, int columns = 80, bool advised = true) {
    const outcome now = compute(s.asked);
    ranking advice;
    if (now.made && advised) advice = rank(contest_of(s.asked, now), static_cast<double>(s.asked.of.stages));
    picture out{draw(s, {now, advised && now.made ? &advice : nullptr, !advised}, rows, columns), {}};
    for (int row = 0; row < rows; ++row) out.text += out.drawn.screen.text(row) + "\n";
    return out;
}

/// The row that holds a text.
int row_with(const picture& p, const std::string& text) {
    for (int row = 0; row < p.drawn.screen.rows(); ++row)
        if (p.drawn.screen.text(row).find(text) != std::string::npos) return row;
    ADD_FAILURE() << "no '" << text << "' in\n" << p.text;
    return 0;
}

TEST(View, ShowsTheScheduleItsFiguresAndTheAdvice) {
    const picture p = look_at(with("one_f_one_b", 4, 4));
    EXPECT_THAT(p.text, HasSubstr("one_f_one_b: 4 stages on 4 workers, 4 micro-batches"));
    EXPECT_THAT(p.text, HasSubstr("makespan 21  bubbles 42.9 %  peak 4  weights 1  messages 24"));
    EXPECT_THAT(p.text, HasSubstr("w3 · · · 0 0── 1 1── 2"));
    EXPECT_THAT(p.text, HasSubstr("fastest pipeline: bidirectional --split, 13 ticks; this 21, + 61.5 %"));
    EXPECT_THAT(p.text, HasSubstr("least memory: gems, peak 1; this 4"));
    EXPECT_THAT(p.drawn.screen.text(23), HasSubstr("↑↓←→ change"));
}

TEST(View, BlocksStandWherePassesRun) {
    const picture p = look_at(with("bidirectional", 4, 4), 30, 120);
    const int row = row_with(p, " w0 ");
    const outcome now = compute(with("bidirectional", 4, 4).asked);
    const double columns = p.drawn.on.columns / now.made->found.makespan;
    int blocks = 0;
    for (const step& s : now.made->played.row(0)) {
        if (!is_compute(s.op)) continue;
        const int from = 4 + static_cast<int>(s.begin * columns + 0.5);
        const int to = 4 + static_cast<int>(s.end * columns + 0.5);
        for (int column = from; column < to - 1; ++column)
            EXPECT_EQ(class_of(p.drawn.screen.at(row, column).how), s.pipeline * 5 + static_cast<int>(s.op)) << column;
        EXPECT_LT(class_of(p.drawn.screen.at(row, to - 1).how), 0) << "a column keeps blocks apart";
        ++blocks;
    }
    EXPECT_EQ(blocks, 8);
}

TEST(View, AsMuchIsWrittenOnABlockAsThereIsRoomFor) {
    const auto first = [](const picture& p) { return p.drawn.screen.text(row_with(p, " w0 ")).substr(4, 8); };
    EXPECT_EQ(first(look_at(with("gpipe", 4, 4))), "0 1 2 3 ");
    EXPECT_EQ(first(look_at(with("gpipe", 4, 4), 24, 120)), "F0  F1  ");
    EXPECT_EQ(first(look_at(with("gpipe", 4, 12))), "01234567");
    EXPECT_EQ(first(look_at(with("gpipe", 4, 120))), "FFFFFFFF");
    state closer = with("gpipe", 4, 120);
    closer.zoom = 64;
    EXPECT_EQ(first(look_at(closer)), "F0      ");
}

TEST(View, RefusalsStandInPlaceOfTheSchedule) {
    const picture p = look_at(with("bidirectional", 5, 4));
    EXPECT_THAT(p.text, HasSubstr("stages must be even (a pipeline and its mirror meet in the middle)"));
    EXPECT_THAT(p.text, HasSubstr("Enter takes what fits: 6 stages, 4 micro-batches"));
    EXPECT_THAT(p.text, Not(HasSubstr("makespan")));
}

TEST(View, APeakOverTheLimitIsMarked) {
    state s = with("gpipe", 4, 8);
    s.asked.memory = 3;
    const picture p = look_at(s);
    EXPECT_THAT(p.text, HasSubstr("the peak is 8 activations (--memory allows 3)"));
    const int row = row_with(p, " w0 ");
    EXPECT_EQ(p.drawn.screen.at(row, 79).how, look::plain);
    int bad = 0;
    for (int column = 60; column < 80; ++column) bad += p.drawn.screen.at(row, column).how == look::bad ? 1 : 0;
    EXPECT_EQ(bad, 5) << "a bar of four, and the 8";
    EXPECT_THAT(p.text, HasSubstr("are over the memory"));
}

TEST(View, CommandsOfAScheduleOverTheLimitAreNotRefused) {
    state s = with("gpipe", 4, 8);
    s.asked.memory = 3;
    s.shown = page::command;
    const picture p = look_at(s, 40, 120);
    EXPECT_THAT(p.text, HasSubstr("chimera schedule gpipe --stages 4 --micro-batches 8\n"));
    EXPECT_THAT(p.text, HasSubstr("chimera play gpipe --stages 4 --micro-batches 8 --memory 3\n"));
}

TEST(View, LargeSchedulesScroll) {
    state s = with("one_f_one_b", 32, 128);
    const picture top = look_at(s);
    EXPECT_THAT(top.text, HasSubstr("w0"));
    EXPECT_THAT(top.text, Not(HasSubstr("w31")));
    s.first_worker = 1000;  // more than there are: the last ones
    s.zoom = 8;
    s.first_column = 60;
    const picture below = look_at(s);
    EXPECT_THAT(below.text, HasSubstr("w31"));
    EXPECT_THAT(below.text, HasSubstr("‹"));
    EXPECT_THAT(below.text, HasSubstr("›"));
    EXPECT_EQ(below.drawn.on.columns_shown, top.drawn.on.columns);
    EXPECT_EQ(below.drawn.on.columns, 8 * top.drawn.on.columns);
}

TEST(View, TooSmallSaysSo) {
    for (const auto& [rows, columns] : {std::pair{17, 80}, {24, 79}, {1, 1}, {2, 30}, {0, 0}}) {
        const picture p = look_at(with("gpipe", 4, 4), rows, columns);
        EXPECT_EQ(p.drawn.screen.rows(), rows);
        if (columns > 30) {
            EXPECT_THAT(p.text, HasSubstr("too small: 80 × 18 are needed"));
        }
    }
}

TEST(View, EverySizePageAndFamilyFits) {
    for (const auto name : family_names()) {
        for (const page shown : {page::schedule, page::command, page::help}) {
            state s = with(std::string(name).c_str(), 4, 8);
            s.shown = shown;
            for (const auto& [rows, columns] : {std::pair{18, 80}, {24, 80}, {40, 120}, {60, 200}, {200, 500}}) {
                const picture p = look_at(s, rows, columns, rows < 60);
                EXPECT_THAT(p.drawn.screen.text(0), HasSubstr("chimera play"));
                EXPECT_FALSE(p.drawn.screen.text(rows - 1).empty());
                if (shown == page::command) {
                    EXPECT_THAT(p.text, HasSubstr("chimera schedule " + std::string(name)));
                }
            }
        }
    }
}

TEST(View, TheTableHasTheCurrentChoiceAtItsPlace) {
    const picture p = look_at(with("gpipe", 4, 8), 60, 120);
    const int mine = row_with(p, "▸ gpipe");
    double before = 0;
    for (int row = row_with(p, "weights  messages") + 1; row < 59 && !p.drawn.screen.text(row).empty(); ++row) {
        const std::string ticks = p.drawn.screen.text(row).substr(row == mine ? 35 : 33, 5);
        EXPECT_GE(std::stod(ticks), before) << p.text;
        before = std::stod(ticks);
    }
    EXPECT_GE(before, 33);
}

TEST(Canvas, WordsAreWrappedAndClipped) {
    canvas c(3, 12);
    EXPECT_EQ(c.put_words(0, 3, 1, "one two three four"), 2);
    EXPECT_EQ(c.text(0), " one two");
    EXPECT_EQ(c.text(1), " three four");
    c.put(2, 10, "abcdef");
    EXPECT_EQ(c.text(2), "          ab");
    EXPECT_EQ(length("· × ─"), 5);
}

}  // namespace
}  // namespace chimera::executor::play
