// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <executor/io/stop_signal.hpp>
#include <executor/train/learning_rate.hpp>
#include <executor/train/log.hpp>

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <csignal>
#include <sstream>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::refusal_of;
using chimera::test::scratch;
using testing::HasSubstr;

namespace {

TEST(learning_rate, warms_up_and_falls_like_a_cosine) {
    const learning_rate rate{1.0, 0.1, 10, 110};
    EXPECT_DOUBLE_EQ(rate.at(0), 0.1);
    EXPECT_DOUBLE_EQ(rate.at(9), 1.0);
    EXPECT_DOUBLE_EQ(rate.at(10), 1.0);
    EXPECT_NEAR(rate.at(60), 0.55, 1e-12);
    EXPECT_NEAR(rate.at(35), 0.1 + 0.9 * (2 + std::sqrt(2.0)) / 4, 1e-12);
    EXPECT_DOUBLE_EQ(rate.at(110), 0.1);
    EXPECT_DOUBLE_EQ(rate.at(100000), 0.1);
    EXPECT_DOUBLE_EQ((learning_rate{1, 0, 0, 1}).at(0), 1.0);
    EXPECT_DOUBLE_EQ((learning_rate{1, 0, 5, 5}).at(4), 1.0);
}

TEST(log, has_one_object_a_step_and_a_resumed_run_goes_on_behind_its_checkpoint) {
    const scratch folder;
    const auto path = folder / "log.jsonl";
    {
        step_log log(path, -1);
        for (int i = 1; i <= 5; ++i) log.write({i, 2.0 / i, 1e-3, 0.5, i * 100, 0.1, 0.09, 0.2});
    }
    std::ofstream(path, std::ios::app) << "{\"step\":6,\"lo";  // cut off by a crash
    {
        step_log log(path, 3);
        log.write({4, 0.25, 1e-3, 0.5, 400, 0.1, 0.09, 0.2});
    }
    std::istringstream lines(contents(path));
    std::vector<std::int64_t> steps;
    for (std::string line; std::getline(lines, line);) steps.push_back(nlohmann::json::parse(line)["step"]);
    EXPECT_THAT(steps, testing::ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(contents(path), HasSubstr("\"loss\":0.25"));
    step_log fresh(path, -1);
    EXPECT_EQ(contents(path), "");
}

TEST(log, refuses_what_is_no_file_and_leaves_it) {
    const chimera::test::scratch folder;
    std::filesystem::create_directories(folder / "folder");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0666), 0);  // as a device, which no test may put at risk
    for (const char* name : {"pipe", "folder"})
        EXPECT_THAT(refusal_of([&] { step_log(folder / name, -1); }), HasSubstr("not a regular file"));
    EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
    EXPECT_THAT(refusal_of([] { step_log("/nowhere/log", -1); }), HasSubstr("No such file"));
}

TEST(progress, says_it_all_in_one_line) {
    const auto line = progress_line({12, 2.5, 0, 0, 0, 0, 0, 0.25}, 340, 18000, 0.24, 125);
    EXPECT_EQ(line, "step 12/340  loss 2.5000  18000 tokens/s  bubble 25.0 % (predicted 24.0 %)  2:05 left");
}

TEST(stop, the_first_signal_asks_and_the_second_ends) {
    {
        const stop_request request;
        EXPECT_FALSE(stop_request::wanted());
        std::raise(SIGTERM);
        EXPECT_TRUE(stop_request::wanted());
    }
    {
        const stop_request again;
        EXPECT_FALSE(stop_request::wanted());
    }
    EXPECT_EXIT(
        {
            const stop_request request;
            std::raise(SIGINT);
            std::raise(SIGINT);
        },
        testing::ExitedWithCode(130), "");
}

}  // namespace
