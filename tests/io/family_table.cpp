// SPDX-License-Identifier: Apache-2.0
// The lists that describe families: names, aliases, traits that agree with what is generated, and who has which option.

#include "tests/dose.hpp"

#include <chimera/core/error.hpp>
#include <chimera/core/query.hpp>
#include <chimera/render/json.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <executor/io/family_options.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

namespace chimera::executor {
namespace {

using ::testing::HasSubstr;

std::string made(const std::string& family, int stages, int width = 1) {
    const schedule order =
        make_schedule({{.which = family_named(family), .stages = stages, .micro_batches = 8, .width = width}});
    return json(order);
}

TEST(family_table, an_alias_makes_the_family_it_stands_for) {
    EXPECT_EQ(made("1f1b", 4), made("one_f_one_b", 4));
    EXPECT_EQ(made("dp", 0, 4), made("data_parallel", 0, 4));
    EXPECT_THAT(made("dp", 0, 4), HasSubstr("\"workers\":4"));
    EXPECT_EQ(find_family("1f1b"), family::one_f_one_b);
    EXPECT_EQ(find_family(""), std::nullopt);
    EXPECT_EQ(family_name("1f1b"), "one_f_one_b");
    EXPECT_EQ(family_name("orders/mine.json"), "orders/mine.json");
    EXPECT_EQ(family_name(""), "");
}

TEST(family_table, no_two_families_share_a_name_or_alias) {
    std::set<std::string_view> met;
    for (const family_traits& traits : all_family_traits) {
        EXPECT_TRUE(met.insert(traits.name).second) << traits.name;
        if (traits.alias.empty()) continue;
        EXPECT_TRUE(met.insert(traits.alias).second) << traits.alias;
    }
}

TEST(family_table, traits_say_what_is_generated) {
    std::mt19937 draw(15);
    const auto between = [&](int least, int most) { return std::uniform_int_distribution(least, most)(draw); };
    const int wanted = std::max(10, dose(60));
    for (std::size_t i = 0; i < family_labels.size(); ++i) {
        const auto which = static_cast<family>(i);
        int met = 0;
        for (int tries = 0; tries < 20000 && met < wanted; ++tries) {
            family_spec spec{.which = which, .stages = between(1, 23), .micro_batches = between(1, 29)};
            spec.width = between(1, 5);
            if (which == family::data_parallel) spec.stages = 1;
            const auto any = [&](const family_option& option, auto& value) {
                using type = std::remove_cvref_t<decltype(value)>;
                if (has_option(which, option.key)) value = static_cast<type>(between(0, option.key == "scale" ? 2 : 7));
            };
            each_option(any, spec);
            if (spec.refused() != refusal::none) continue;
            ++met;
            SCOPED_TRACE(std::string(name(which)) + " of " + std::to_string(spec.stages) + " stages, " +
                         std::to_string(spec.micro_batches) + " micro-batches");
            const schedule out = generate(spec);
            EXPECT_EQ(out.head.family.view(), name(which));
            EXPECT_EQ(out.head.update != update_rule::flushed, asynchronous(which));
            EXPECT_EQ(stages_per_worker(spec) * out.head.workers,
                      which == family::data_parallel ? spec.width : spec.stages);
            const bool halves = std::any_of(out.entries.begin(), out.entries.end(),
                                            [](const slot& s) { return s.op == pass::weight_gradient; });
            EXPECT_EQ(halves, splits_backward(spec));
        }
        EXPECT_GE(met, wanted) << name(which);
    }
}

TEST(family_table, a_family_has_the_options_of_its_struct) {
    EXPECT_TRUE(has_option(family::bidirectional, "scale"));
    EXPECT_FALSE(has_option(family::gpipe, "scale"));
    EXPECT_FALSE(has_option(family::bidirectional, "width"));
    EXPECT_EQ(help_of(family_option_table[3], true),
              "interleaved, breadth_first, zb_interleaved: stages per worker (2)");
    EXPECT_EQ(flag_of(family_option_table[6]), "--update-every");
}

TEST(family_table, an_option_of_another_family_is_refused_for_every_pair) {
    for (const std::string_view label : family_labels) {
        const family_options none{{.which = family_named(label), .stages = 8, .micro_batches = 16}};
        const auto try_one = [&](const family_option& option, const auto&) {
            family_options asked = none;
            const auto set = [&](const family_option& other, auto& to) {
                if (other.key != option.key) return;
                to = static_cast<std::remove_cvref_t<decltype(to)>>(1);
            };
            each_option(set, asked);
            if (has_option(none.which, option.key)) return;
            try {
                check_family(asked);
                FAIL() << label << " took " << option.key;
            } catch (const chimera_error& why) {
                EXPECT_THAT(why.what(), HasSubstr(std::string(option.key) + " does not apply (" + std::string(label)));
            }
        };
        each_option(try_one, none);
    }
}

TEST(family_table, the_page_of_families_has_every_family) {
    std::ifstream file(CHIMERA_SOURCE_DIR "/docs/families.md");
    std::ostringstream page;
    page << file.rdbuf();
    for (const std::string_view label : family_labels)
        EXPECT_THAT(page.str(), HasSubstr("`" + std::string(label) + "`"));
}

TEST(family_table, the_page_of_families_has_every_row_of_the_table_of_options) {
    std::ifstream file(CHIMERA_SOURCE_DIR "/docs/families.md");
    std::ostringstream page;
    page << file.rdbuf();
    for (const family_option& option : family_option_table) {
        std::string owners;
        for (const std::string_view label : family_labels)
            if (has_option(family_named(label), option.key))
                owners.append(owners.empty() ? "`" : ", `").append(label).append("`");
        std::string row = "| `";
        row.append(flag_of(option)).append("`");
        if (!option.labels.empty()) row.append(" ").append(labels_of(option, ", ", " or "));
        row.append(" | `").append(option.key).append("` | ").append(owners).append(" | ");
        row.append(option.help).append(" | ").append(option.otherwise).append(" |");
        EXPECT_THAT(page.str(), HasSubstr(row));
    }
}

}  // namespace
}  // namespace chimera::executor
