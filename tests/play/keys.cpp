// SPDX-License-Identifier: Apache-2.0
// A state and a key give a state: values, refusals, typing, advice, the window.

#include <executor/play/play_state.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string_view>

namespace chimera::executor::play {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

state with(const char* family, int stages, int micro_batches, field chosen) {
    state out;
    out.asked.of = {{.which = family_named(family), .stages = stages, .micro_batches = micro_batches}};
    out.chosen = chosen;
    return out;
}

/// Presses keys one by one, each seeing what the ones before led to.
state after(state s, std::initializer_list<int> keys) {
    for (const int key : keys) {
        const outcome now = compute(s.asked);
        facts on;
        on.now = &now;
        s = press(std::move(s), key, on);
    }
    return s;
}

state typed(state s, std::string_view text) {
    for (const char c : text) s = after(std::move(s), {c});
    return s;
}

TEST(Keys, StagesGoFromOneThatTheFamilyTakesToTheNext) {
    EXPECT_EQ(after(with("bidirectional", 4, 4, field::stages), {right}).asked.of.stages, 6);
    EXPECT_EQ(after(with("bidirectional", 4, 4, field::stages), {left}).asked.of.stages, 2);
    EXPECT_EQ(after(with("one_f_one_b", 4, 4, field::stages), {right}).asked.of.stages, 5);
    EXPECT_EQ(after(with("dualpipe_v", 8, 16, field::stages), {left}).asked.of.stages, 6);
}

TEST(Keys, WhereNoStepIsLeftTheValueStaysAndTheLibrarySaysWhy) {
    const state low = after(with("bidirectional", 2, 4, field::stages), {left});
    EXPECT_EQ(low.asked.of.stages, 2);
    EXPECT_THAT(low.note, StartsWith("stages must be even"));
    const state pipelines = after(with("bidirectional", 4, 4, field::pipelines), {right, right});
    EXPECT_EQ(pipelines.asked.of.pipelines, 4);
    EXPECT_THAT(pipelines.note, StartsWith("pipelines must be even"));
}

TEST(Keys, TypedNumbersAreTakenAsTheyAreAndRefusedByTheLibrary) {
    const state half_way = typed(with("bidirectional", 4, 4, field::stages), "15");
    EXPECT_EQ(half_way.typed, "15");
    EXPECT_EQ(half_way.asked.of.stages, 4);
    const state taken = after(half_way, {backspace, enter});
    EXPECT_EQ(taken.asked.of.stages, 1);
    EXPECT_THAT(refused(taken.asked), StartsWith("stages must be even"));
    EXPECT_EQ(after(half_way, {escape}).asked.of.stages, 4);
    EXPECT_EQ(after(half_way, {down}).asked.of.stages, 15) << "other keys take what is typed, too";
    EXPECT_EQ(after(half_way, {down}).chosen, field::micro_batches);
    EXPECT_THAT(typed(with("gpipe", 4, 4, field::stages), "99999999999999999999").typed, "999999999999");
    EXPECT_THAT(refused(after(typed(with("gpipe", 4, 4, field::stages), "999999999999"), {enter}).asked),
                HasSubstr("from 1 to 65535"));
    EXPECT_THAT(after(typed(with("gpipe", 4, 4, field::stages), "1.5"), {enter}).note, HasSubstr("no whole number"));
}

TEST(Keys, EnterTakesTheNearestSizesThatFit) {
    const state odd = with("bidirectional", 5, 8, field::stages);
    ASSERT_FALSE(refused(odd.asked).empty());
    const state even = after(odd, {enter});
    EXPECT_EQ(refused(even.asked), "");
    EXPECT_EQ(even.asked.of.stages, 6);
    EXPECT_EQ(even.asked.of.micro_batches, 8);
    const state few = after(with("dualpipe", 4, 4, field::stages), {enter});
    EXPECT_EQ(refused(few.asked), "");
}

TEST(Keys, CostsTakeStepsOfTheirSize) {
    state s = with("gpipe", 4, 4, field::transfer);
    s = after(s, {right, right});
    EXPECT_DOUBLE_EQ(s.asked.transfer, 0.2);
    for (int i = 0; i < 9; ++i) s = after(s, {right});
    EXPECT_DOUBLE_EQ(s.asked.transfer, 1.5);
    for (int i = 0; i < 40; ++i) s = after(s, {left});
    EXPECT_DOUBLE_EQ(s.asked.transfer, 0);
    state forward = after(with("gpipe", 4, 4, field::forward), {page_down});
    EXPECT_DOUBLE_EQ(forward.asked.forward, 0.5);
    for (int i = 0; i < 9; ++i) forward = after(forward, {left});
    EXPECT_GT(forward.asked.forward, 0) << "a pass takes time";
    EXPECT_THAT(forward.note, HasSubstr("a pass takes time"));
}

TEST(Keys, HalvesOfABackwardStayItsParts) {
    state s = with("zb_h1", 4, 4, field::backward);
    s = after(typed(s, "3"), {enter});
    EXPECT_DOUBLE_EQ(s.asked.weight_gradient, 1.5);
    s.chosen = field::weight_gradient;
    s = after(typed(s, "4"), {enter});
    EXPECT_DOUBLE_EQ(s.asked.weight_gradient, 1.5);
    EXPECT_THAT(s.note, HasSubstr("part of it"));
}

TEST(Keys, MemoryStartsAtThePeakAndZeroLiftsIt) {
    const state limited = after(with("gpipe", 4, 8, field::memory), {left});
    EXPECT_EQ(limited.asked.memory, 8);
    EXPECT_EQ(after(limited, {left}).asked.memory, 7);
    EXPECT_THAT(compute(after(limited, {left}).asked).over, HasSubstr("the peak is 8 activations"));
    EXPECT_EQ(after(typed(limited, "0"), {enter}).asked.memory, std::nullopt);
    EXPECT_EQ(after(typed(limited, "2.5"), {enter}).asked.memory, 2.5);
}

TEST(Keys, AnotherFamilyKeepsTheSizesAndForgetsWhatItDoesNotHave) {
    state s = with("bidirectional", 4, 8, field::split);
    s.asked.of.split = true;
    s.asked.of.scale = chimera::scale::halving;
    const state next = after(s, {'f'});
    EXPECT_EQ(next.asked.of, (family_options{{.which = next.asked.of.which, .stages = 4, .micro_batches = 8}}));
    EXPECT_NE(next.asked.of.which, chimera::family::bidirectional);
    const auto fields = fields_of(next.asked);
    EXPECT_NE(std::find(fields.begin(), fields.end(), next.chosen), fields.end());
    EXPECT_EQ(after(next, {'F'}).asked.of.which, chimera::family::bidirectional);
}

TEST(Keys, EveryFamilyIsReachedAndShownOrRefusedInALine) {
    state s = with("bidirectional", 4, 8, field::family);
    std::size_t shown = 0;
    for (const auto name : family_names()) {
        s = after(s, {right});
        const outcome now = compute(s.asked);
        ASSERT_NE(now.made.has_value(), !now.refused.empty()) << name;
        shown += now.made ? 1 : 0;
        EXPECT_EQ(now.refused.find('\n'), std::string::npos);
        if (now.made) {
            EXPECT_EQ(now.made->head.micro_batches, 8) << chimera::name(s.asked.of.which);
        }
    }
    EXPECT_EQ(s.asked.of.which, chimera::family::bidirectional);
    EXPECT_EQ(shown, family_names().size()) << "4 stages, 8 micro-batches suit all of them";
}

TEST(Keys, ScrollingStaysWithinTheSchedule) {
    facts on;
    on.workers = 32, on.workers_shown = 10, on.columns = 300, on.columns_shown = 60;
    state s;
    for (int i = 0; i < 20; ++i) s = press(std::move(s), ']', on);
    EXPECT_EQ(s.first_worker, 22);
    for (int i = 0; i < 20; ++i) s = press(std::move(s), '>', on);
    EXPECT_EQ(s.first_column, 240);
    for (int i = 0; i < 20; ++i) s = press(press(std::move(s), '<', on), shift_up, on);
    EXPECT_EQ(s.first_worker + s.first_column, 0);
}

TEST(Keys, ZoomKeepsTheMiddle) {
    facts on;
    on.columns = 60, on.columns_shown = 60;
    const state closer = press(state{}, 'z', on);
    EXPECT_EQ(closer.zoom, 2);
    EXPECT_EQ(closer.first_column, 30);
    on.columns = 120;
    EXPECT_EQ(press(closer, 'Z', on).first_column, 0);
    on.columns = 15000;
    EXPECT_EQ(press(closer, 'z', on).zoom, 2) << "no wider than can be drawn";
}

TEST(Keys, QuittingSavingAndPages) {
    EXPECT_EQ(press(state{}, 'q', {}).wanted, wish::quit);
    EXPECT_EQ(press(state{}, interrupt, {}).wanted, wish::quit);
    EXPECT_EQ(press(state{}, 's', {}).wanted, wish::save);
    const state help = press(state{}, '?', {});
    EXPECT_EQ(help.shown, page::help);
    EXPECT_EQ(press(help, escape, {}).shown, page::schedule);
    EXPECT_EQ(press(help, 'e', {}).shown, page::command);
}

TEST(Keys, ManyAtRandomNeverThrow) {
    std::mt19937 engine(7);
    const int keys[] = {up,        down, left, right, page_up, page_down, tab, back_tab, home, end, enter,
                        backspace, 'f',  'F',  'z',   'Z',     '<',       '>', '[',      ']',  'e', '?',
                        '2',       '7',  '0',  '.',   ' ',     'a',       'm', escape,   'r',  'x'};
    state s;
    const outcome none;
    facts on;
    on.workers = 8, on.workers_shown = 4, on.columns = 100, on.columns_shown = 50;
    on.now = &none;
    for (int i = 0; i < 100000; ++i) {
        s = press(std::move(s), keys[engine() % std::size(keys)], on);
        ASSERT_GT(s.asked.forward, 0);
        ASSERT_LE(s.asked.weight_gradient, s.asked.backward * (1 + 1e-12));
        ASSERT_GE(s.zoom, 1);
        ASSERT_GE(s.first_column, 0);
        const auto fields = fields_of(s.asked);
        ASSERT_TRUE(std::binary_search(fields.begin(), fields.end(), s.chosen));
        ASSERT_FALSE(value_of(s.asked, s.chosen).empty());
    }
}

}  // namespace
}  // namespace chimera::executor::play
