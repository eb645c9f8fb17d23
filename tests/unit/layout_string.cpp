// SPDX-License-Identifier: Apache-2.0
#include "tests/dose.hpp"

#include <chimera/partition/layout_string.hpp>

#include <tests/unit/partition_support.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace chimera;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::vector<int> cuts_of_text(std::string_view text, const layout_chain& chain) {
    return cuts_of(read_layout(text), chain);
}

static_assert(read_layout("Ett|ttL").size() == 2);
static_assert(cuts_of_text("Et*3|(tt|)*29,m|L", {1, 62, 1}).size() == 33);

/// Writes out what a string repeats as the parser of Megatron-LM does it: by two replacements, groups first.
std::string written_out(std::string text) {
    std::erase(text, ',');
    for (const char* pattern : {R"(\(([^)]+)\)\*([0-9]+))", R"((.)\*([0-9]+))"}) {
        const std::regex repeat(pattern);
        std::string out;
        std::smatch found;
        std::string rest = text;
        while (std::regex_search(rest, found, repeat)) {
            out += found.prefix();
            for (int i = std::stoi(found[2]); i > 0; --i) out += found[1];
            rest = found.suffix();
        }
        text = out + rest;
    }
    return text;
}

std::string plain(const std::vector<layout_stage>& stages) {
    std::string out;
    const auto put = [&](char letter, int count) { out.append(static_cast<std::size_t>(count), letter); };
    for (const layout_stage& s : stages) {
        if (!out.empty()) out += '|';
        put('E', s.embedding), put('t', s.transformer), put('m', s.prediction), put('L', s.loss);
    }
    return out;
}

std::string refusal_of(const std::string& text) {
    try {
        (void)read_layout(text);
    } catch (const chimera_error& e) {
        return e.what();
    }
    return "";
}

TEST(layout_string, reads_what_megatron_documents) {
    const auto stages = read_layout("Et*3|(tt|)*29,m|L");
    ASSERT_EQ(stages.size(), 32u);
    EXPECT_EQ(stages[0], (layout_stage{1, 3, 0, 0}));
    for (std::size_t s = 1; s < 30; ++s) EXPECT_EQ(stages[s], (layout_stage{0, 2, 0, 0}));
    EXPECT_EQ(stages[30], (layout_stage{0, 0, 1, 0}));
    EXPECT_EQ(stages[31], (layout_stage{0, 0, 0, 1}));
    EXPECT_NO_THROW(check_layout(stages, 16));
    EXPECT_THAT(cuts_of_text("E|t,t|tL", {2, 3, 2}), ElementsAre(0, 2, 4, 7));
    EXPECT_EQ(write_layout(read_layout("Etttttt|(tt|)*4,tt,mL")), "Et*6|(tt|)*4,ttmL");
}

TEST(layout_string, comes_back_from_random_cuts) {
    partition_test::draw any(11);
    for (int round = 0; round < dose(4'000); ++round) {
        const layout_chain chain{any(1, 3), any(0, 40), any(1, 3)};
        std::vector<int> places;  // where a stage may begin
        for (int i = 0; i <= chain.blocks; ++i) places.push_back(chain.embedding + i);
        std::vector<int> cuts{0};
        const int kind = any(0, 3);
        for (const int place : places)
            if (kind == 0 ? any(0, 9) == 0 : kind == 1 ? (place - 1) % 3 == 0 : any(0, kind) > 0) cuts.push_back(place);
        cuts.push_back(chain.layers());
        const auto stages = layout_of(cuts, chain);
        const std::string text = write_layout(stages);
        ASSERT_EQ(written_out(text), plain(stages)) << text;
        ASSERT_EQ(read_layout(text), stages) << text;
        ASSERT_EQ(cuts_of(read_layout(text), chain), cuts) << text;
        ASSERT_LE(text.size(), plain(stages).size() + 2) << text;
    }
}

/// Strings with repeats and commas anywhere, as people write them.
TEST(layout_string, reads_random_strings_as_two_replacements_do) {
    partition_test::draw any(12);
    for (int round = 0; round < dose(4'000); ++round) {
        std::string text = "E", commas;
        const auto run = [&] {
            std::string out(static_cast<std::size_t>(any(1, 3)), 't');
            if (any(0, 2) == 0) out += "*" + std::to_string(any(0, 12));
            return out;
        };
        for (int part = any(1, 6); part > 0; --part) {
            if (any(0, 1) == 0)
                text += run() + (any(0, 1) == 0 ? "|t" : "");
            else
                text += "(" + run() + (any(0, 1) == 0 ? "|t" : "") + run() + ")*" + std::to_string(any(0, 11));
        }
        text += any(0, 1) == 0 ? "|m*2|L" : "t|L";
        for (const char c : text) commas += any(0, 5) == 0 ? std::string(1, c) + "," : std::string(1, c);
        ASSERT_EQ(plain(read_layout(commas)), written_out(commas)) << commas;
    }
}

TEST(layout_string, names_the_character_that_is_wrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"Etx|L", "'x' at character 3 of the layout is no layer"},
        {"E t|L", "' ' at character 2"},
        {"Et\xc3|L", "a byte at character 3"},
        {"Et||L", "'|' at character 4 of the layout ends stage 1, which is empty"},
        {"|EtL", "'|' at character 1"},
        {"EtL|", "behind which stage 1 is empty"},
        {"t|L", "'t' at character 1 of the layout stands before the embedding"},
        {"EtE|L", "'E' at character 3 of the layout is a second embedding"},
        {"EtLt", "'t' at character 4 of the layout stands behind the loss"},
        {"EtLL", "'L' at character 4 of the layout stands behind the loss"},
        {"Et|mt|L", "'t' at character 5 of the layout stands behind an m"},
        {"Et|t", "has no loss"},
        {"", "is empty"},
        {",,", "is empty"},
        {"E(tt|L", "'(' at character 2 of the layout is not closed"},
        {"Ett)*2|L", "')' at character 4 of the layout has no '('"},
        {"E(tt)|L", "'(' at character 2 of the layout has no *n"},
        {"E((t)*2|)*2L", "'(' at character 3 of the layout opens a group within a group"},
        {"E()*2|L", "'(' at character 2 of the layout opens an empty group"},
        {"Et*|L", "'*' at character 3 of the layout has no number"},
        {"Et*x|L", "'*' at character 3"},
        {"E*2t|L", "is a second embedding"},
        {"*2Et|L", "'*' at character 1 of the layout has nothing to repeat"},
        {"Et*2*3|L", "'*' at character 5 of the layout has nothing to repeat"},
        {"E(t)*2*3|L", "'*' at character 7"},
    };
    for (const auto& [text, part] : cases) EXPECT_THAT(refusal_of(text), HasSubstr(part)) << text;
}

TEST(layout_string, refuses_hostile_strings_at_once) {
    EXPECT_THAT(refusal_of("Et*99999999999999999999999999|L"), HasSubstr("more than 1048576 letters"));
    EXPECT_THAT(refusal_of("E(t*1048570)*1048570|L"), HasSubstr("more than 1048576 letters"));
    EXPECT_THAT(refusal_of("Et*1048576|L"), HasSubstr("more than 1048576 letters"));
    EXPECT_EQ(refusal_of("Et*1048573|L"), "");
    EXPECT_THAT(refusal_of(std::string(1 << 20, '(')), HasSubstr("group within a group"));
    EXPECT_THAT(refusal_of(std::string((1 << 20) + 1, 't')), HasSubstr("too long"));
    std::string none = "E";
    for (int i = 0; i < 100'000; ++i) none += "(t|)*0";
    EXPECT_EQ(read_layout(none + "tL").size(), 1u);
}

TEST(layout_string, ranks_hold_equally_many_stages_and_the_last_holds_m) {
    const auto checked = [](const char* text, int ranks) { check_layout(read_layout(text), ranks); };
    EXPECT_NO_THROW(checked("Et|t|m|L", 2));
    EXPECT_NO_THROW(checked("Et|t|t|mmL", 4));
    EXPECT_THROW(checked("Et|t|tL", 2), chimera_error);
    EXPECT_THROW(checked("Et|tm|t|L", 2), chimera_error);
    EXPECT_THROW(checked("Et|m|t|L", 2), chimera_error);
    EXPECT_THROW(checked("Et|t|m|mL", 2), chimera_error);
    EXPECT_THROW(checked("Et|m|L|", 1), chimera_error);
    EXPECT_THROW(checked("EtL", 0), chimera_error);
}

TEST(layout_string, refuses_a_cut_that_letters_cannot_say) {
    const layout_chain chain{2, 4, 3};
    const auto stages = [&](std::vector<int> cuts) { return layout_of(cuts, chain); };
    EXPECT_EQ(write_layout(stages({0, 2, 6, 9})), "E|t*4|L");
    for (const std::vector<int>& cuts :
         {std::vector{0, 1, 9}, {0, 7, 9}, {0, 8, 9}, {0, 3, 3, 9}, {0, 3}, {1, 9}, {0, 10}, {0}, {}})
        EXPECT_THROW(stages(cuts), chimera_error);
    EXPECT_THROW((void)cuts_of_text("Et*3|L", chain), chimera_error);
    EXPECT_THROW((void)cuts_of_text("Et*5|L", chain), chimera_error);
    EXPECT_THAT(cuts_of_text("Ett|ttL", chain), ElementsAre(0, 4, 9));
}

}  // namespace
