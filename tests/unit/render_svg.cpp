// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <optional>

namespace chimera {
namespace {

using testing::HasSubstr;
using testing::Not;

struct tag {
    std::string name;
    std::map<std::string, std::string> attributes;
    std::string text;
};

/// A small XML reader: the tags in order of opening, or nothing where the text is not well formed.
class xml {
public:
    explicit xml(std::string_view text) : text_(text) { ok_ = element() && (space(), at_ == text_.size()); }
    bool ok() const { return ok_; }
    const std::vector<tag>& tags() const { return tags_; }

private:
    void space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    }
    bool eat(std::string_view what) {
        if (text_.substr(at_, what.size()) != what) return false;
        at_ += what.size();
        return true;
    }
    std::string word() {
        const std::size_t from = at_;
        while (at_ < text_.size() &&
               (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-' || text_[at_] == ':'))
            ++at_;
        return std::string(text_.substr(from, at_ - from));
    }
    /// Character data up to `end`, with every & starting a known entity.
    std::optional<std::string> data(char end) {
        const std::size_t from = at_;
        for (; at_ < text_.size() && text_[at_] != end && text_[at_] != '<'; ++at_) {
            const auto rest = text_.substr(at_);
            if (static_cast<unsigned char>(rest[0]) < 0x20 && rest[0] != '\n') return std::nullopt;
            if (rest[0] == '&' && !rest.starts_with("&amp;") && !rest.starts_with("&lt;") &&
                !rest.starts_with("&gt;") && !rest.starts_with("&quot;") && !rest.starts_with("&#39;"))
                return std::nullopt;
        }
        return std::string(text_.substr(from, at_ - from));
    }
    bool element() {
        if (!eat("<")) return false;
        const std::size_t self = tags_.size();
        tags_.push_back({word(), {}, {}});
        const std::string name = tags_[self].name;
        for (space(); at_ < text_.size() && text_[at_] != '>' && text_[at_] != '/'; space()) {
            const std::string key = word();
            if (key.empty() || !eat("=\"")) return false;
            const auto value = data('"');
            if (!value || !eat("\"") || !tags_[self].attributes.emplace(key, *value).second) return false;
        }
        if (eat("/>")) return true;
        if (!eat(">")) return false;
        while (true) {
            const auto text = data('<');
            if (!text) return false;
            tags_[self].text += *text;
            if (eat("</")) return word() == name && eat(">");
            if (!element()) return false;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<tag> tags_;
    bool ok_ = false;
};

/// Rectangles of slots: those whose class is a pass and a hue.
std::vector<tag> boxes(const xml& picture) {
    std::vector<tag> out;
    for (const tag& t : picture.tags()) {
        const auto cls = t.attributes.find("class");
        const bool slot = cls != t.attributes.end() && cls->second.size() == 2 &&
                          std::string("fbiwr").find(cls->second[0]) != std::string::npos;
        if (t.name == "rect" && slot) out.push_back(t);
    }
    return out;
}

TEST(Svg, ReaderOfThisTestRefusesBrokenXml) {
    EXPECT_TRUE(xml("<a b=\"1\"><c/>x &amp; y</a>").ok());
    for (const char* broken :
         {"<a>", "<a></b>", "<a b=1/>", "<a>&</a>", "<a b=\"1\" b=\"2\"/>", "<a/><b/>", "<a b=\"<\"/>"}) {
        EXPECT_FALSE(xml(broken).ok()) << broken;
    }
}

TEST(Svg, DrawsEverySlotAtItsPlace) {
    const schedule made = generate(bidirectional{.stages = 4, .micro_batches = 4});
    const timeline drawn = ticks_timeline(made);
    const xml picture(svg(drawn));
    ASSERT_TRUE(picture.ok());
    auto all = boxes(picture);
    const int legend = 4;  // two passes of two pipelines
    ASSERT_EQ(all.size(), made.entries.size() + legend);
    const double first = std::stod(all[0].attributes.at("x"));
    const double scale =
        std::stod(all[1].attributes.at("x")) - first;  // worker 0 starts with d0 at tick 0 and d1 at tick 2
    for (std::size_t i = 0; i < made.entries.size(); ++i) {
        EXPECT_NEAR(std::stod(all[i].attributes.at("x")), first + made.entries[i].tick * scale / 2, 0.02) << i;
        EXPECT_EQ(all[i].attributes.at("class"), std::string(made.entries[i].op == pass::forward ? "f" : "b") +
                                                     std::to_string(made.entries[i].pipeline));
    }
    for (const slot& s : made.entries) {
        const std::string tip = std::string(s.op == pass::forward ? "forward" : "backward") + " of micro-batch " +
                                std::to_string(s.first) + ", stage " + std::to_string(s.stage) + ", pipeline " +
                                std::to_string(s.pipeline) + ": " + std::to_string(s.tick) + " to " +
                                std::to_string(s.end()) + " ticks";
        EXPECT_EQ(std::count_if(picture.tags().begin(), picture.tags().end(),
                                [&](const tag& t) { return t.name == "title" && t.text == tip; }),
                  1)
            << tip;
    }
}

TEST(Svg, SaysWhatItShows) {
    const std::string out = svg(ticks_timeline(generate(bidirectional{.stages = 4, .micro_batches = 4})));
    for (const char* part :
         {">bidirectional<", "4 stages on 4 workers, 4 micro-batches, 2 pipelines", "makespan 10 ticks",
          "bubble ratio 20 %", "worker 3", "pipeline 1: forward, backward", ">idle<", "time (ticks)"}) {
        EXPECT_THAT(out, HasSubstr(part));
    }
}

TEST(Svg, EscapesWhatOthersWrote) {
    timeline of = ticks_timeline(generate(gpipe{2, 2}));
    of.head.family = "a<b>&\"c'\x01";
    const std::string out = svg(of, {.title = "</svg><script>", .note = "x&y"});
    EXPECT_TRUE(xml(out).ok());
    EXPECT_THAT(out, Not(HasSubstr("<script")));
    EXPECT_TRUE(xml(svg(of)).ok());
}

TEST(Svg, DrawsReductionsAndUpdates) {
    const program made = lower(generate(bidirectional{.stages = 4, .micro_batches = 8}));
    costs c;
    c.reduce.seconds = 0.5;
    c.update = 0.25;
    const timeline of = simulate(made, c);
    const xml picture(svg(of, {.unit = time_unit::seconds}));
    ASSERT_TRUE(picture.ok());
    const auto count = [&](const char* cls) {
        return std::count_if(picture.tags().begin(), picture.tags().end(), [&](const tag& t) {
            const auto at = t.attributes.find("class");
            return t.name == "rect" && at != t.attributes.end() && at->second == cls;
        });
    };
    EXPECT_EQ(count("up"), 8 + 1);  // two stages on each worker, and the legend
    const auto bars = std::count_if(picture.tags().begin(), picture.tags().end(),
                                    [](const tag& t) { return t.text.starts_with("reduction of stage"); });
    EXPECT_EQ(bars, 8);
}

TEST(Svg, StaysSmallForManySlots) {
    for (const family_spec& large : {family_spec{.which = family::one_f_one_b, .stages = 16, .micro_batches = 4000},
                                     family_spec{.which = family::bidirectional, .stages = 64, .micro_batches = 2000},
                                     family_spec{.which = family::data_parallel, .micro_batches = 4000}}) {
        const schedule made = generate(large);
        const std::string out = svg(ticks_timeline(made));
        EXPECT_TRUE(xml(out).ok());
        EXPECT_LT(out.size(), 4u << 20U);
        EXPECT_EQ(out.find("nan"), std::string::npos);
    }
}

TEST(Svg, DensePicturesKeepTheProportions) {
    const schedule made = generate(gpipe{4, 2000});  // worker 0: 2000 forwards, 6 idle, 2000 backwards
    const std::string out = svg(ticks_timeline(made));
    const xml picture(out);
    ASSERT_TRUE(picture.ok());
    double width[2] = {0, 0};
    int seen = 0;
    for (const tag& t : picture.tags()) {
        const auto d = t.attributes.find("d");
        const auto cls = t.attributes.find("class");
        if (t.name != "path" || d == t.attributes.end() || cls == t.attributes.end() || seen == 2) continue;
        width[cls->second == "b0"] = std::stod(d->second.substr(d->second.find('h') + 1));
        ++seen;
    }
    EXPECT_NEAR(width[0], 998, 2);  // of 2000 pixels for 4006 ticks
    EXPECT_NEAR(width[1], 998, 2);
}

TEST(Svg, DrawsAnEmptyTimeline) {
    const schedule none{{"nothing", 2, 1, 2, 1, 1}, {0, 1}, {0, 0, 0}, {}};
    const std::string out = svg(ticks_timeline(none));
    EXPECT_TRUE(xml(out).ok());
    EXPECT_THAT(out, Not(HasSubstr("nan")));
    EXPECT_THAT(out, Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace chimera
