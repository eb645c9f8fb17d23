// SPDX-License-Identifier: Apache-2.0
// What a resumed run says, what it may change, and how a run that diverges goes on.
#include "trainer_job.hpp"

#include <executor/checkpoint/checkpoint.hpp>
#include <executor/engine/engine.hpp>
#include <executor/io/run_folder.hpp>
#include <executor/job/resumed_job.hpp>
#include <executor/train/log.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <random>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::refusal_of;
using chimera::test::scratch;
using chimera::test::small_job;
using chimera::test::weights;
using testing::HasSubstr;
using testing::Not;

namespace {

train_report resumed(const job& of, std::string* said = nullptr) {
    train_options options;
    options.resume = true;
    if (said) options.say = [said](const std::string& line) { *said += line + "\n"; };
    return train(of, options);
}

/// The line that a run fails with; empty where it does not.
std::string failure_of(const job& wanted, bool resume) {
    try {
        resume ? resumed(wanted) : train(wanted);
    } catch (const run_failed& failed) {
        return failed.what();
    }
    return "";
}

TEST(resume, of_a_run_that_had_ended_says_what_was_logged_and_writes_nothing_new) {
    const scratch folder;
    const auto wanted = small_job(folder, "out");
    const auto first = train(wanted);
    const auto before = weights(wanted), log = contents(wanted.output / "log.jsonl");
    const auto again = resumed(wanted);
    EXPECT_EQ(again.steps_here, 0);
    ASSERT_TRUE(again.logged);
    EXPECT_EQ(again.logged->steps, 6);
    EXPECT_EQ(again.logged->last_loss, first.last_loss);
    EXPECT_NEAR(again.logged->makespan, first.measured_makespan, 1e-5 * first.measured_makespan);
    EXPECT_EQ(again.validation_loss, first.validation_loss);
    const auto text = report_text(again);
    char last[32];
    std::snprintf(last, sizeof last, "%.4f last", first.last_loss);
    EXPECT_THAT(text, HasSubstr(last));
    for (const char* no : {"measured", "predicted", "%)", "timeline.svg"}) EXPECT_THAT(text, Not(HasSubstr(no)));
    EXPECT_EQ(weights(wanted), before);
    EXPECT_EQ(contents(wanted.output / "log.jsonl"), log);
    std::filesystem::remove(wanted.output / "log.jsonl");
    EXPECT_THAT(report_text(resumed(wanted)), HasSubstr("no log tells the last"));
}

TEST(resume, of_a_run_that_stopped_before_its_first_step_compares_nothing) {
    const scratch folder;
    auto whole = small_job(folder, "whole"), wanted = small_job(folder, "out");
    train(whole);
    train_options options;
    options.make_backend = [](const job& of, int) {
        std::raise(SIGTERM);
        return make_host_backend({of.threads, of.in_bf16(), nullptr});
    };
    const auto report = train(wanted, options);
    EXPECT_TRUE(report.stopped);
    const auto text = report_text(report);
    EXPECT_THAT(text, HasSubstr("none (no step was done)"));
    for (const char* no : {"0.0000", "measured", "%)", "tokens/s"}) EXPECT_THAT(text, Not(HasSubstr(no)));
    EXPECT_EQ(resumed(wanted).step, 6);
    EXPECT_EQ(weights(wanted), weights(whole));
}

TEST(resume, may_change_the_optimiser_and_nothing_else_and_says_what_differs) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    train(wanted);
    const auto refused = [&](auto change) {
        auto other = wanted;
        change(other);
        return refusal_of([&] { resumed(other); });
    };
    EXPECT_THAT(refused([](job& j) { j.seed = 9; }), HasSubstr("of another job (seed is 9 here, 1 in the checkpoint)"));
    EXPECT_THAT(refused([](job& j) { j.batch.sequences = 4; }), HasSubstr("(batch.sequences is 4 here, 2 in"));
    EXPECT_THAT(refused([](job& j) { j.threads = 2; }), HasSubstr("threads is 2 here, not set in"));
    EXPECT_THAT(refused([](job& j) { j.optimiser.steps = 5; }), HasSubstr("is of step 6 (the job has 5 steps)"));
    EXPECT_THAT(refused([&](job& j) { j.data = {folder.write("more.txt", chimera::test::sample_text() + "x")}; }),
                HasSubstr("another job (the data differ)"));
    wanted.optimiser.steps = 8;
    wanted.optimiser.learning_rate = 1e-3;
    std::string said;
    EXPECT_EQ(resumed(wanted, &said).step, 8);
    EXPECT_THAT(said, HasSubstr("resumed with other settings: learning_rate is 0.001 here, 0.01 in the checkpoint"));
    EXPECT_THAT(said, HasSubstr("steps is 8 here, 6 in the checkpoint"));
    said.clear();
    resumed(wanted, &said);
    EXPECT_EQ(said, "");
}

TEST(resume, takes_settings_from_a_file_and_from_options_alike) {
    const scratch folder;
    std::mt19937 random(11);
    const auto out = (folder / "out").string();
    for (int i = 0; i < 200; ++i) {
        auto ran = small_job(folder, "out");
        ran.optimiser.learning_rate = std::exp(-static_cast<double>(random() % 1000) / 100);
        ran.optimiser.steps = 1 + static_cast<std::int64_t>(random() % 400);
        ran.optimiser.clip = static_cast<double>(random() % 5);
        ran.seed = random();
        if (random() % 2) ran.optimiser.warmup = 21 + static_cast<std::int64_t>(random() % 50);  // never the default
        if (random() % 2) ran.optimiser.min_learning_rate = ran.optimiser.learning_rate / 3;
        auto filled = ran;
        filled.optimiser = filled_in(ran.optimiser);
        folder.write("out/job.json", job_text(filled));
        // Nothing but one setting is said; or all is, in a file that the run has left, and that setting besides.
        for (const bool in_file : {false, true}) {
            nlohmann::json said{{"output", out}};
            if (in_file) said = nlohmann::json::parse(job_text(filled));
            leave_out_filled_in(said);
            const double rate = ran.optimiser.learning_rate / static_cast<double>(1 + random() % 1000);
            const auto steps = 1 + static_cast<std::int64_t>(random() % 1000);
            const bool new_rate = random() % 2;
            new_rate ? said["optimiser"]["learning_rate"] = rate : said["optimiser"]["steps"] = steps;
            auto expected = ran;
            if (new_rate) expected.optimiser.learning_rate = rate;
            if (!new_rate) expected.optimiser.steps = steps;
            const job made = read_job(resumed_job(said), "resumed");
            EXPECT_EQ(settings_text(made, 1), settings_text(expected, 1)) << in_file << job_text(filled);
            EXPECT_EQ(made.optimiser.steps, expected.optimiser.steps);
        }
    }
}

/// Does what the line says until a run ends well; returns how often that took.
int follow_advice(job wanted, std::string line) {
    int times = 0;
    std::int64_t last = -1;
    for (; !line.empty() && times < 60; ++times) {
        EXPECT_THAT(line, HasSubstr("(the run diverged) "));
        const auto at = line.find("--learning-rate ");
        if (at == line.npos) break;
        wanted.optimiser.learning_rate = std::stod(line.substr(at + 16));
        const auto from = line.find("go on from step ");
        const auto checkpoint = wanted.output / run_file::checkpoint;
        const bool resume = from != line.npos;
        EXPECT_EQ(std::filesystem::exists(checkpoint), resume) << line;
        const std::int64_t step = resume ? std::stoll(line.substr(from + 16)) : 0;
        if (resume) {
            EXPECT_EQ(open_checkpoint(checkpoint).info.step, step);
        }
        EXPECT_GE(step, last) << line;
        last = step;
        line = failure_of(wanted, resume);
    }
    EXPECT_EQ(line, "");
    return times;
}

TEST(diverged, what_the_line_advises_leads_to_the_end) {
    int longest = 0;
    for (const double rate : {100.0, 1e6})
        for (const int interval : {0, 1, 2}) {
            const scratch folder;
            auto wanted = small_job(folder, "out");
            wanted.optimiser.clip = 0;
            wanted.optimiser.weight_decay = 0;
            wanted.optimiser.warmup = 0;
            wanted.optimiser.learning_rate = rate;
            wanted.checkpoint_interval = interval;
            longest = std::max(longest, follow_advice(wanted, failure_of(wanted, false)));
        }
    EXPECT_GT(longest, 0);
}

TEST(diverged, weights_that_give_no_finite_loss_are_set_aside) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    wanted.optimiser.clip = 0;
    wanted.optimiser.warmup = 0;
    wanted.optimiser.learning_rate = 1e30;
    wanted.optimiser.steps = 1;
    EXPECT_THAT(failure_of(wanted, false), HasSubstr("the validation loss is not finite after step 1 (the run diverged)"
                                                     " start again with --learning-rate"));
    EXPECT_FALSE(std::filesystem::exists(wanted.output / run_file::checkpoint));
    EXPECT_TRUE(std::filesystem::exists(wanted.output / run_file::diverged));
    wanted.optimiser.steps = 2;
    wanted.checkpoint_interval = 1;  // one that is not good is no help, either
    EXPECT_THAT(failure_of(wanted, false), HasSubstr("at step 2 (the run diverged) start again"));
    EXPECT_FALSE(std::filesystem::exists(wanted.output / run_file::checkpoint));
}

TEST(diverged, the_last_good_checkpoint_comes_back) {
    const scratch folder;
    auto good = small_job(folder, "good"), wanted = small_job(folder, "out");
    good.optimiser.steps = wanted.optimiser.steps = 4;
    wanted.checkpoint_interval = good.checkpoint_interval = 1;
    train(good);
    train_options options;
    options.after_step = [](std::int64_t step) {
        if (step == 3) std::raise(SIGTERM);
    };
    train(wanted, options);
    EXPECT_TRUE(std::filesystem::exists(wanted.output / run_file::earlier));  // the one of step 3 is not proven yet
    const auto third = weights(wanted);
    wanted.optimiser.clip = 0;
    wanted.optimiser.learning_rate = 1e30;
    wanted.optimiser.steps = 6;
    EXPECT_THAT(failure_of(wanted, true), HasSubstr("(the run diverged) go on from step 3 with --resume"));
    EXPECT_EQ(weights(wanted), third);
    EXPECT_FALSE(std::filesystem::exists(wanted.output / run_file::earlier));
    EXPECT_EQ(open_checkpoint(wanted.output / run_file::diverged).info.step, 4);
}

TEST(validation, counts_each_window_once_whatever_the_batch) {
    std::mt19937 random(3);
    for (int i = 0; i < 8; ++i) {
        const scratch folder;
        auto alone = small_job(folder, "alone");
        alone.schedule = {};
        alone.schedule.which = chimera::family::one_f_one_b;
        alone.schedule.stages = 1 + static_cast<int>(random() % 4);
        alone.schedule.micro_batches = 2;
        alone.batch.sequences = 1;
        alone.validation_windows = 1 + static_cast<std::int64_t>(random() % 40);
        alone.optimiser.steps = 1;
        alone.optimiser.learning_rate = 1e-12;  // the weights of the start, in either
        auto batched = alone;
        batched.output = folder / "batched";
        batched.batch.sequences = 2 + static_cast<int>(random() % 11);
        const auto a = train(alone), b = train(batched);
        EXPECT_EQ(a.validation_tokens, b.validation_tokens);
        EXPECT_NEAR(a.validation_loss, b.validation_loss, 2e-6 * a.validation_loss)
            << *alone.validation_windows << " windows by " << batched.batch.sequences;
    }
}

}  // namespace
