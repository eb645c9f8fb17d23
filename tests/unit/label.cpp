// SPDX-License-Identifier: Apache-2.0
// A label keeps up to 31 characters and refuses more, instead of cutting them.

#include <chimera/core/label.hpp>

#include <gtest/gtest.h>

#include <string>

namespace chimera {
namespace {

TEST(label, keeps_31_characters) {
    for (std::size_t size = 0; size <= 31; ++size)
        EXPECT_EQ(label(std::string(size, 'x')).view(), std::string(size, 'x'));
    static_assert(label("gpipe").view() == "gpipe");
    static_assert(label("gpipe") == label(std::string_view("gpipe")) && label() == label(""));
    EXPECT_NE(label(std::string(31, 'x')), label(std::string(30, 'x')));
}

TEST(label, refuses_more) {
    for (const std::size_t size : {std::size_t{32}, std::size_t{33}, std::size_t{1000000}}) {
        try {
            (void)label(std::string(size, 'x'));
            FAIL() << size << " characters are kept";
        } catch (const chimera_error& why) {
            EXPECT_EQ(why.code(), error_code::input);
            EXPECT_EQ(why.what(),
                      "a name of " + std::to_string(size) + " characters is too long (a label holds 31) shorten it");
        }
    }
    EXPECT_THROW((void)label("one character more than the 31 kept"), chimera_error);
}

}  // namespace
}  // namespace chimera
