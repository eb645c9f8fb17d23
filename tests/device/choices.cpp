// SPDX-License-Identifier: Apache-2.0
#include <executor/device/choices.hpp>

#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace chimera::executor::test {
namespace {

namespace fs = std::filesystem;

class remembered : public testing::Test {
protected:
    void SetUp() override { fs::remove_all(folder_); }
    void TearDown() override { fs::remove_all(folder_); }

    fs::path file() const { return folder_ / "some" / "where.txt"; }
    std::string text() const {
        std::ostringstream out;
        out << std::ifstream(file()).rdbuf();
        return out.str();
    }
    void write(const std::string& what) const { std::ofstream(file()) << what; }

private:
    fs::path folder_ = fs::temp_directory_path() / ("chimera_choices_" + std::to_string(getpid()));
};

const choices::way first{1, 2, 3, 4, 5, 6, 7, ~0ull}, second{9};

TEST_F(remembered, outlives_the_object) {
    {
        choices c(file());
        EXPECT_FALSE(c.find("a"));
        c.keep("a", second), c.keep("b", second), c.keep("a", first);
    }
    const choices c(file());
    EXPECT_EQ(c.find("a"), first);
    EXPECT_EQ(c.find("b"), second);
    EXPECT_FALSE(c.find("c"));
    EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), {}), 1);  // no drafts stay
}

TEST_F(remembered, what_is_kept_for_now_is_not_in_the_file) {
    choices c(file());
    c.keep_for_now("a", first), c.keep_for_now("b", first), c.keep("c", second);
    EXPECT_EQ(c.find("a"), first);
    EXPECT_FALSE(choices(file()).find("a"));
    EXPECT_TRUE(choices(file()).find("c"));
    c.keep("b", second);
    EXPECT_EQ(c.find("b"), second);
}

TEST_F(remembered, every_damaged_byte_costs_its_line_at_most) {
    choices(file()).keep("a", first);
    choices(file()).keep("b", second);
    const std::string whole = text();
    ASSERT_EQ(std::count(whole.begin(), whole.end(), '\n'), 3);
    for (std::size_t i = 0; i < whole.size(); ++i)
        for (const char c : {'0', 'z', ' ', '\n', '\0'}) {
            if (whole[i] == c) continue;
            std::string damaged = whole;
            damaged[i] = c;
            write(damaged);
            const choices read(file());
            for (const auto& [key, value] : {std::pair("a", first), {"b", second}})
                if (const auto found = read.find(key)) {
                    EXPECT_EQ(*found, value) << "byte " << i;
                }
            EXPECT_LE(!read.find("a") + !read.find("b"), i < 18 || c == '\n' || whole[i] == '\n' ? 2 : 1)
                << "byte " << i;
        }
    for (const char* other : {"", "chimera.choices 2\n", "{}", "\n\n"}) {
        write(other);
        EXPECT_FALSE(choices(file()).find("a"));
    }
    write(whole.substr(0, whole.size() / 2));
    choices again(file());
    again.keep("b", second);
    EXPECT_EQ(choices(file()).find("b"), second);
}

TEST_F(remembered, a_place_that_cannot_be_written_is_no_fault) {
    choices c("/proc/no/such/place.txt"), nowhere;
    for (choices* each : {&c, &nowhere}) {
        each->keep("a", first);
        EXPECT_EQ(each->find("a"), first);
    }
}

TEST_F(remembered, threads_share_one_object) {
    choices& shared = shared_choices(file().parent_path(), "where.txt");
    EXPECT_EQ(&shared, &shared_choices(file().parent_path(), "where.txt"));
    EXPECT_NE(&shared, &shared_choices({}, "where.txt"));
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 20; ++i) shared.keep(std::to_string(t) + "_" + std::to_string(i), first);
            });
    }
    const choices read(file());
    for (int t = 0; t < 4; ++t)
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(read.find(std::to_string(t) + "_" + std::to_string(i)));
}

}  // namespace
}  // namespace chimera::executor::test
