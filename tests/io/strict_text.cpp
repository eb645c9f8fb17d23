// SPDX-License-Identifier: Apache-2.0
// Text that comes in: parsed as nlohmann's own parser does, but no key twice, nothing behind a NUL byte, in linear time;
// and text of others that goes out.
#include <chimera/core/error.hpp>
#include <chimera/io/read_table.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/visible.hpp>

#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/json_tree.hpp>
#include <executor/io/read.hpp>

#include "tests/dose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace chimera::executor {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}
    int below(int n) { return std::uniform_int_distribution(0, n - 1)(random_); }

    json value(int depth) {
        json out;
        switch (below(depth > 0 ? 8 : 6)) {
            case 0:
                return nullptr;
            case 1:
                return below(2) == 1;
            case 2:
                return static_cast<std::int64_t>(random_()) * (below(2) == 1 ? -1 : 1);
            case 3:
                return static_cast<std::uint64_t>(random_()) << 32 | random_();
            case 4:
                return std::ldexp(static_cast<double>(random_()), below(200) - 100);
            case 5:
                return "text " + std::to_string(random_());
            case 6:
                out = json::array();
                for (int i = below(5); i > 0; --i) out.push_back(value(depth - 1));
                return out;
            default:
                out = json::object();
                for (int i = below(5); i > 0; --i) out["k" + std::to_string(below(9))] = value(depth - 1);
                return out;
        }
    }
    /// Sound UTF-8, hidden characters among it.
    std::string text() {
        constexpr const char* pieces[] = {"a",    "é",  "…",  "\U0001f600", "\u202e", "\u2066", "\u0085",
                                          "\x1b", "\n", "\"", "\\",         "\x7f",   "\u200f", "日"};
        std::string out;
        for (int i = below(12); i > 0; --i) out += pieces[below(14)];
        return out;
    }

private:
    std::mt19937 random_;
};

std::string refusal(const std::string& text) {
    try {
        parse_json(text, "it");
        return {};
    } catch (const chimera_error& e) {
        return e.what();
    }
}

TEST(strict_text, is_parsed_as_by_the_library) {
    generator random(1);
    for (int i = 0; i < dose(2000); ++i) {
        const std::string text = random.value(5).dump(i % 3);
        EXPECT_EQ(detail::parse_tree(text), json::parse(text)) << text;
        EXPECT_EQ(detail::parse_tree(text).dump(), json::parse(text).dump());
    }
}

TEST(strict_text, hears_what_the_librarys_callback_hears) {
    generator random(2);
    for (int i = 0; i < dose(300); ++i) {
        const std::string text = random.value(4).dump();
        std::string ours, theirs;
        const auto note = [](std::string& to, int depth, json::parse_event_t event, const json& value) {
            const bool start = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
            to += std::to_string(depth) + ":" + std::to_string(static_cast<int>(event)) + (start ? "" : value.dump());
        };
        detail::parse_tree(text, [&](int depth, auto event, json& value) { note(ours, depth, event, value); });
        const json whole = json::parse(text, [&](int depth, auto event, json& value) {
            note(theirs, depth, event, value);
            return true;
        });
        EXPECT_EQ(ours, theirs) << text;
    }
}

TEST(strict_text, has_no_key_twice_and_no_nul_byte) {
    EXPECT_THAT(refusal(R"({"a":1,"b":2,"a":3})"), HasSubstr("a key twice (a)"));
    EXPECT_THAT(refusal(R"([{"a":{"b":1,"b":1}}])"), HasSubstr("a key twice (b)"));
    EXPECT_EQ(refusal(R"([{"a":1},{"a":2},{"b":{"a":3}}])"), "");
    const std::string costs = R"({"format":"chimera.costs","version":1,"forward":1,"backward":2})";
    const std::string twice = R"({"format":"chimera.costs","version":1,"forward":1,"forward":3,"backward":2})";
    EXPECT_NO_THROW(read_costs(costs));
    EXPECT_THROW(read_costs(twice), chimera_error);
    for (std::size_t at = 0; at <= costs.size(); ++at) {
        std::string cut = costs;
        cut.insert(at, 1, '\0');
        EXPECT_NE(refusal(cut), "") << at;
        EXPECT_THROW(read_costs(cut), chimera_error) << at;
        EXPECT_THROW((void)read_table(cut), chimera_error) << at;
    }
}

TEST(strict_text, takes_linear_time) {  // in quadratic time, minutes
    std::string text = "[{}";
    for (int i = 0; i < dose(340000); ++i) text += ",{}";
    EXPECT_EQ(parse_json(text + "]", "it").size(), static_cast<std::size_t>(dose(340000)) + 1);
}

TEST(strict_text, refuses_numbers_beyond_the_physical) {
    const auto costs = [](const std::string& forward, const std::string& bandwidth) {
        return read_costs(R"({"format":"chimera.costs","version":1,"backward":2,"forward":)" + forward +
                          R"(,"transfer":{"latency":0,"bytes":1e18,"bandwidth":)" + bandwidth + "}}");
    };
    const auto hardware_of = [](const std::string& key, const std::string& value) {
        return read_hardware(json::parse(R"({"flops":1e12,")" + key + "\":" + value + "}"), "it");
    };
    EXPECT_TRUE(std::isfinite(costs("1e-12", "1e-6").each.transfer[0]));
    for (const char* tiny : {"5e-324", "1e-300", "9e-13"}) {
        try {
            costs(tiny, "1");
            ADD_FAILURE() << tiny;
        } catch (const chimera_error& e) {
            EXPECT_THAT(e.what(), testing::AllOf(HasSubstr("forward"), HasSubstr("1e-12 to 1e9")));
        }
        try {
            costs("1", tiny);
            ADD_FAILURE() << tiny;
        } catch (const chimera_error& e) {
            EXPECT_THAT(e.what(), testing::AllOf(HasSubstr("bandwidth"), HasSubstr("1e-06 to 1e+18")));
        }
        for (const char* key : {"memory_bandwidth", "update_bandwidth", "node_bandwidth", "overlap_slowdown"}) {
            try {
                hardware_of(key, tiny);
                ADD_FAILURE() << key;
            } catch (const chimera_error& e) {
                EXPECT_THAT(e.what(), testing::AllOf(HasSubstr(key), HasSubstr("give a number from ")));
            }
        }
    }
}

/// Each number of a hardware at its bounds, and just beyond them.
TEST(strict_text, hardware_keeps_to_what_is_possible) {
    const auto read = [](const hardware_number& number, double value) {
        const std::string_view name = number.name;
        const std::size_t dot = name.find('.');
        json file{{"flops", 1e12}};
        (dot == std::string_view::npos ? file : file[std::string(name.substr(0, dot))])[std::string(
            name.substr(dot == std::string_view::npos ? 0 : dot + 1))] = value;
        return read_hardware(file, "it");
    };
    for (const hardware_number& number : hardware_numbers) {
        EXPECT_LE(number.least, number.start) << number.name;
        EXPECT_LE(number.start, number.most) << number.name;
        for (const double value : {number.least, number.start, number.most}) {
            hardware found = read(number, value);
            EXPECT_EQ(number.of(found), value) << number.name;
        }
        EXPECT_THROW(read(number, number.most * 1.0001), chimera_error) << number.name;
        EXPECT_THROW(read(number, number.least * 0.9999 - (number.least == 0 ? 1e-9 : 0)), chimera_error)
            << number.name;
    }
}

TEST(strict_text, of_others_shows_as_it_is) {
    generator random(3);
    for (int i = 0; i < dose(2000); ++i) {
        const std::string text = random.text(), shown = format::visible(text);
        for (std::string_view rest = shown; !rest.empty();) {
            const auto next = format::first_character(rest);
            EXPECT_TRUE(next.sound && !format::is_hidden(next.code)) << shown;
            rest.remove_prefix(next.bytes);
        }
        std::string quoted, escaped;
        format::put_quoted(quoted, text);
        format::put_escaped(escaped, text);
        EXPECT_EQ(json::parse(quoted).get<std::string>(), text);
        EXPECT_EQ(format::visible(quoted), quoted);
        EXPECT_EQ(format::visible(escaped), escaped);
    }
    EXPECT_EQ(format::visible("a\u202eb\u009bc\x1b[2J"), "a\\u202eb\\u009bc\\u001b[2J");
    EXPECT_EQ(format::visible("é…日\U0001f600"), "é…日\U0001f600");
    EXPECT_EQ(format::visible("\xff\xc0\x80 \xed\xa0\x80"), "\\xff\\xc0\\x80 \\xed\\xa0\\x80");
}

}  // namespace
}  // namespace chimera::executor
