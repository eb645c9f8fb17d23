// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/render/compare_text.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/staleness_text.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/text.hpp>
#include <chimera/render/trace.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>

namespace chimera {
namespace {

using testing::HasSubstr;
using testing::Not;

struct box {
    std::string cls;
    double x, y, width, height;
};

/// Rectangles of slots, those of the legend (16 by 12) left out.
std::vector<box> boxes(const std::string& picture) {
    std::vector<box> out;
    const std::regex rect(
        "<rect class=\"([fbiwr][0-9])\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" width=\"([0-9.]+)\" height=\"([0-9.]+)\"");
    for (std::sregex_iterator at(picture.begin(), picture.end(), rect), end; at != end; ++at) {
        const auto number = [&](int k) { return std::stod((*at)[static_cast<std::size_t>(k)]); };
        if (number(4) == 16 && number(5) == 12) continue;
        out.push_back({(*at)[1], number(2), number(3), number(4), number(5)});
    }
    return out;
}

std::map<char, int> count_hues(const std::vector<box>& all) {
    std::map<char, int> out;
    for (const box& b : all) ++out[b.cls[1]];
    return out;
}

TEST(Chunks, HaveAHueEach) {
    const schedule made = generate(zb_v{8, 4});
    const std::string picture = svg(ticks_timeline(made));
    const auto all = boxes(picture);
    ASSERT_EQ(all.size(), made.slots.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const slot& s = made.slots[i];
        EXPECT_EQ(all[i].cls, std::string(1, "fbiwr"[static_cast<int>(s.op)]) + (s.stage < 4 ? '0' : '1'));
    }
    EXPECT_THAT(picture, HasSubstr("chunk 0: forward, input gradient, weight gradient"));
    EXPECT_THAT(picture, HasSubstr("chunk 1: "));
    EXPECT_EQ(count_hues(boxes(svg(ticks_timeline(generate(bitpipe{8, 8}))))).size(), 4u);
    EXPECT_THAT(svg(ticks_timeline(generate(bitpipe{8, 8}))), HasSubstr("pipeline 1, chunk 1: forward, backward"));
    EXPECT_EQ(count_hues(boxes(svg(ticks_timeline(generate(one_f_one_b{8, 8}))))).size(), 1u);
}

TEST(Chunks, AreNamedInText) {
    EXPECT_THAT(text(ticks_timeline(generate(zb_v{4, 4}))), HasSubstr("w0  0F0 0F1"));
    EXPECT_THAT(text(ticks_timeline(generate(bitpipe{8, 8}))), HasSubstr("D0.1"));
}

TEST(Pairs, ForwardAboveBackward) {
    const schedule made = generate(custom{"0F0 0F1 (0B0;0F2)OVERLAP_F_B 0B1 0B2"});
    const timeline drawn = ticks_timeline(made);
    const auto all = boxes(svg(drawn));
    ASSERT_EQ(all.size(), 6u);
    const box &backward = all[2], &forward = all[3];
    EXPECT_EQ(backward.cls, "b0");
    EXPECT_EQ(forward.cls, "f0");
    EXPECT_EQ(forward.x, backward.x);
    EXPECT_EQ(forward.width, backward.width);
    EXPECT_LE(forward.y + forward.height, backward.y);
    EXPECT_EQ(forward.y, all[0].y);
    EXPECT_NEAR(backward.y + backward.height, all[0].y + all[0].height, 0.51);
    EXPECT_THAT(text(drawn), HasSubstr("w0  F0 F1 B0&F2 B1 B2"));
    EXPECT_THAT(text(drawn), HasSubstr("bubble ratio 0\n"));
    const std::string traced = trace(drawn);
    EXPECT_THAT(traced, HasSubstr("worker 0 pairs"));
    const std::size_t second = traced.find("\"name\":\"F2\"");
    EXPECT_THAT(traced.substr(second, 60), HasSubstr("\"tid\":2"));
}

TEST(Compare, OneTimeAxisForAll) {
    const timeline a = ticks_timeline(generate(gpipe{4, 8}));          // 22 ticks
    const timeline b = ticks_timeline(generate(bidirectional{4, 8}));  // 18
    const panel panels[] = {{&a, "gpipe", "first"}, {&b, "a<b", "second"}};
    const std::string picture = svg(panels, {.unit = time_unit::ticks, .title = "T&T", .note = "note", .width = 1100});
    const auto all = boxes(picture);
    ASSERT_EQ(all.size(), a.steps.size() + b.steps.size());
    double left = 1e9;
    for (const box& one : all) left = std::min(left, one.x);
    const double scale = 50;  // 1100 pixels for the 22 ticks of gpipe
    const auto check = [&](const timeline& of, std::size_t from) {
        for (std::size_t i = 0; i < of.steps.size(); ++i)
            EXPECT_NEAR(all[from + i].x, left + of.steps[i].begin * scale, 0.011) << from + i;
    };
    check(a, 0);
    check(b, a.steps.size());
    EXPECT_GT(all[a.steps.size()].y, all[a.steps.size() - 1].y);
    for (const char* part : {"T&amp;T", "a&lt;b", "first", "second", "note", "time (ticks)", "idle"})
        EXPECT_THAT(picture, HasSubstr(part));
    EXPECT_THAT(picture, Not(HasSubstr("a<b")));
    EXPECT_FALSE(svg(std::span<const panel>{}, {}).empty());
}

TEST(Html, IsOnePageWithTimelinesAndNumbers) {
    const timeline of = simulate(lower(generate(bidirectional{4, 8})), {.forward = 1, .backward = 2});
    const std::string page = html(of, {.unit = time_unit::seconds});
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_THAT(page, HasSubstr("<td>makespan (s)</td><td>30</td>"));
    EXPECT_THAT(page, HasSubstr("\"makespan\":30,"));
    EXPECT_THAT(page, HasSubstr("\"lanes\":[\"pipeline 0\",\"pipeline 1\"]"));
    EXPECT_THAT(page, HasSubstr("<canvas id=\"chart\" tabindex=\"0\""));
    for (const char* loads : {"src=", "href=", "@import", "url(http"}) EXPECT_THAT(page, Not(HasSubstr(loads)));
}

TEST(Staleness, InWords) {
    EXPECT_EQ(staleness_text(lower(generate(gpipe{2, 4}))), "");
    const std::string words = staleness_text(lower(generate(pipedream{4, 8})));
    EXPECT_THAT(words, HasSubstr("every 1 micro-batch (stashed weights)"));
    EXPECT_THAT(words, HasSubstr("\n0                    3"));
    EXPECT_THAT(words, HasSubstr("\n3                    0"));
}

}  // namespace
}  // namespace chimera
