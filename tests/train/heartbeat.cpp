// SPDX-License-Identifier: Apache-2.0
// What a run says while it is at work, and how long it waits before it takes long work for a hang.
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/forecast/patience.hpp>
#include <executor/io/stop_signal.hpp>
#include <executor/layers/layer_passes.hpp>
#include <executor/train/log.hpp>
#include <executor/workers/heartbeat.hpp>

#include "trainer_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace chimera::executor {
namespace {

using testing::HasSubstr;

TEST(heartbeat, repeats_the_phase_where_nothing_else_is_said) {
    std::mutex mutex;
    std::vector<std::string> lines;
    {
        heartbeat talk(
            [&](const std::string& line) {
                const std::lock_guard lock(mutex);
                lines.push_back(line);
            },
            0.02);
        talk.begin("weighing", 90);
        for (std::size_t seen = 0; seen < 3;) {  // for as long as it takes
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::lock_guard lock(mutex);
            seen = lines.size();
        }
        talk.line("a step");
    }
    EXPECT_THAT(lines, testing::Contains("weighing: 0:00 of about 1:30"));
    EXPECT_EQ(lines.back(), "a step");
    EXPECT_FALSE(heartbeat({}).speaks());
    EXPECT_EQ(clock_text(0.4), "0:00");
    EXPECT_EQ(clock_text(754), "12:34");
}

/// Returns the next line that says `part`; nothing where none does for half a minute.
std::string line_with(std::mutex& mutex, std::vector<std::string>& lines, const std::string& part) {
    for (int waited = 0; waited < 30'000; ++waited) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const std::lock_guard lock(mutex);
        for (const std::string& line : lines)
            if (line.find(part) != std::string::npos) return line;
        lines.clear();
    }
    return {};
}

TEST(heartbeat, foretells_a_phase_by_its_passes_and_says_that_it_stops) {
    std::mutex mutex;
    std::vector<std::string> lines;
    const stop_request signals;
    heartbeat talk(
        [&](const std::string& line) {
            const std::lock_guard lock(mutex);
            lines.push_back(line);
        },
        0.02);
    talk.begin("weighing", 0, 9);
    count_layer_pass();
    EXPECT_THAT(line_with(mutex, lines, "1 passes"), testing::Not(HasSubstr("least")));
    talk.begin("counting", 0, 8);
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    count_layer_pass();
    // An eighth took at least 0.6 s.
    const std::string foretold = line_with(mutex, lines, "least");
    ASSERT_THAT(foretold, testing::MatchesRegex("counting: 0:[0-9]+ of at least 0:[0-9]+, 1 passes .*done"));
    EXPECT_GE(std::stoi(foretold.substr(foretold.find("least 0:") + 8)), 5);
    talk.begin("counting", 0, 2);
    count_layer_pass(), count_layer_pass();
    EXPECT_THAT(line_with(mutex, lines, "2 passes"), testing::Not(HasSubstr("least")));
    ASSERT_EQ(std::raise(SIGTERM), 0);
    EXPECT_THAT(line_with(mutex, lines, "stops"), HasSubstr("a second signal ends it at once"));
}

/// A worker without an end between two moments that are as far apart as a gap, by trying all pairs of moments.
double by_pairs(const timeline& of) {
    double longest = 0;
    for (int w = 0; w < of.head.workers; ++w) {
        std::vector<double> moments{0};
        for (const step& s : of.row(w)) moments.push_back(s.end);
        for (const double a : moments)
            for (const double b : moments) {
                const bool empty = std::ranges::none_of(moments, [&](double m) { return m > a && m < b; });
                if (b > a && empty) longest = std::max(longest, b - a);
            }
    }
    return longest;
}

TEST(patience, is_four_times_the_longest_gap) {
    std::mt19937 random(5);
    for (int round = 0; round < 40; ++round) {
        const int stages = 1 + static_cast<int>(random() % 6), micro_batches = 1 + static_cast<int>(random() % 8);
        const program order = lower(generate(one_f_one_b{stages, micro_batches}));
        costs each;
        each.forward = 1 + static_cast<double>(random() % 100);
        each.backward = 1 + static_cast<double>(random() % 100);
        const timeline played = simulate(order, each, static_cast<int>(random() % 3));
        EXPECT_DOUBLE_EQ(longest_gap(played), by_pairs(played));
        EXPECT_DOUBLE_EQ(patience(30, played), std::max(30.0, 4 * by_pairs(played)));
    }
}

TEST(sharing, is_said_where_workers_have_no_core_each) {
    EXPECT_EQ(sharing_text(4, 1, 2), "4 workers share 2 cores");
    EXPECT_EQ(sharing_text(2, 3, 5), "2 workers of 3 threads share 5 cores");
    EXPECT_EQ(sharing_text(1, 2, 1), "1 worker of 2 threads has 1 core");
    EXPECT_EQ(sharing_text(4, 1, 4), "");
    EXPECT_THAT(progress_line({1, 2, 0, 0, 0, 0, 0, 0.5}, 2, 10, 0.25, 0, "4 workers share 2 cores"),
                HasSubstr("(predicted 25.0 %; 4 workers share 2 cores)"));
}

}  // namespace
}  // namespace chimera::executor
