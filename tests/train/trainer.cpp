// SPDX-License-Identifier: Apache-2.0
#include "trainer_job.hpp"

#include <executor/checkpoint/checkpoint.hpp>
#include <executor/engine/engine.hpp>
#include <executor/job/programs.hpp>
#include <executor/memory/update_groups.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <sstream>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::refusal_of;
using chimera::test::scratch;
using chimera::test::small_job;
using chimera::test::weights;
using testing::HasSubstr;

namespace {

std::vector<std::pair<std::int64_t, double>> losses(const job& of) {
    std::vector<std::pair<std::int64_t, double>> all;
    std::istringstream lines(contents(of.output / "log.jsonl"));
    for (std::string line; std::getline(lines, line);) {
        const auto record = nlohmann::json::parse(line);
        all.emplace_back(record["step"], record["loss"]);
    }
    return all;
}

/// Runs a job that is asked to stop after `step`.
train_report stopped_after(const job& wanted, std::int64_t step, bool resume = false) {
    train_options options;
    options.resume = resume;
    options.after_step = [&](std::int64_t now) {
        if (now == step) std::raise(SIGTERM);
    };
    return train(wanted, options);
}

TEST(trainer, learns_and_reports) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    wanted.optimiser.steps = 150;
    const auto report = train(wanted);
    EXPECT_NEAR(report.first_loss, std::log(256), 0.5);
    EXPECT_LT(report.last_loss, 1.2);
    EXPECT_LT(report.validation_loss, report.counted.bigram);
    EXPECT_LT(report.counted.bigram, report.counted.unigram);
    EXPECT_GT(report.predicted_makespan, 0);
    EXPECT_GT(report.measured_makespan, 0);
    EXPECT_EQ(losses(wanted).size(), 150u);
    EXPECT_THAT(contents(report.timeline), HasSubstr("<svg"));
    EXPECT_TRUE(nlohmann::json::accept(contents(report.trace)));
    const auto text = report_text(report);
    for (const auto* row :
         {"configuration", "parameters", "loss", "validation loss", "unigram baseline", "bigram baseline", "tokens/s",
          "makespan", "bubble ratio", "timeline.svg", "trace.json", "log.jsonl", "checkpoint.safetensors"})
        EXPECT_THAT(text, HasSubstr(row));
}

TEST(trainer, two_runs_of_one_job_give_the_same_bits_on_any_cores) {
    const scratch folder;
    auto first = small_job(folder, "first"), second = small_job(folder, "second"), alone = small_job(folder, "alone");
    alone.cores = 1;
    train(first);
    train(second);
    train(alone);
    EXPECT_EQ(weights(first), weights(second));
    EXPECT_EQ(weights(first), weights(alone));
    EXPECT_EQ(losses(first), losses(alone));
    auto other = small_job(folder, "other");
    other.seed = 2;
    train(other);
    EXPECT_NE(weights(first), weights(other));
}

TEST(trainer, a_run_from_its_written_job_gives_the_same_bits) {
    const scratch folder;
    auto timed = small_job(folder, "timed");
    timed.optimiser.steps = 0;
    timed.optimiser.seconds = 0.5;
    const auto report = train(timed);
    auto again = read_job(timed.output / "job.json");
    EXPECT_EQ(again.optimiser.steps, report.step);
    again.output = folder / "again";
    train(again);
    EXPECT_EQ(losses(timed), losses(again));
    const auto a = open_checkpoint(timed.output / "checkpoint.safetensors"),
               b = open_checkpoint(again.output / "checkpoint.safetensors");
    EXPECT_EQ(a.info.steps, b.info.steps);
}

TEST(trainer, stop_and_resume_give_the_bits_of_not_stopping) {
    for (const auto scale : {chimera::scale::direct, chimera::scale::halving}) {
        const scratch folder;
        auto whole = small_job(folder, "whole"), parts = small_job(folder, "parts");
        whole.schedule.scale = parts.schedule.scale = scale;
        train(whole);
        EXPECT_TRUE(stopped_after(parts, 1).stopped);
        EXPECT_TRUE(stopped_after(parts, 4, true).stopped);
        train_options resume;
        resume.resume = true;
        const auto report = train(parts, resume);
        EXPECT_FALSE(report.stopped);
        EXPECT_EQ(report.step, 6);
        EXPECT_EQ(weights(parts), weights(whole)) << name(scale);
        EXPECT_EQ(losses(parts), losses(whole)) << name(scale);
        EXPECT_EQ(report.first_loss, losses(whole).front().second);
    }
}

TEST(trainer, asynchronous_families_resume_with_the_bits_of_not_stopping) {  // the drain leaves no update open
    for (const char* family : {"pipedream", "pipedream_2bw"}) {
        const scratch folder;
        auto whole = small_job(folder, "whole"), parts = small_job(folder, "parts");
        for (job* each : {&whole, &parts}) {
            each->schedule = {};
            each->schedule.which = family_named(family);
            each->schedule.stages = 4;
            each->schedule.micro_batches = 9;
            each->schedule.width = 2;
        }
        const auto report = train(whole);
        EXPECT_EQ(report.updates, family == std::string("pipedream") ? 9 : 3);
        EXPECT_EQ(report.weight_versions, family == std::string("pipedream") ? 4 : 2);
        EXPECT_EQ(report.staleness, family == std::string("pipedream") ? 3 : 1);
        EXPECT_THAT(report_text(report), HasSubstr("versions of a stage's weights"));
        EXPECT_TRUE(stopped_after(parts, 4).stopped);
        train_options resume;
        resume.resume = true;
        train(parts, resume);
        EXPECT_EQ(weights(parts), weights(whole)) << family;
        EXPECT_EQ(losses(parts), losses(whole)) << family;
    }
}

TEST(trainer, a_cut_changes_no_bit_of_what_is_learnt) {
    // Where a block runs is nobody's business but the clock's: the same losses as with the model's own cut.
    const scratch folder;
    auto wanted = small_job(folder, "own");
    wanted.schedule.which = chimera::family::one_f_one_b;
    train(wanted);
    for (const std::vector<int>& blocks : {std::vector{3, 1, 0, 0}, {0, 2, 2, 0}, {0, 0, 0, 4}}) {
        auto cut = wanted;
        cut.blocks = blocks;
        cut.output = folder / ("cut" + std::to_string(blocks[0]) + std::to_string(blocks[3]));
        train(cut);
        EXPECT_EQ(losses(cut), losses(wanted));
    }
    auto other = wanted;
    other.blocks = {1, 1, 1, 1};
    EXPECT_THAT(refusal_of([&] {
                    train_options resume;
                    resume.resume = true;
                    train(other, resume);
                }),
                HasSubstr("another job"));
}

TEST(trainer, versions_of_weights_count_as_memory) {
    job wanted;
    wanted.schedule.which = chimera::family::pipedream;
    wanted.schedule.stages = 4;
    wanted.schedule.micro_batches = 8;
    const chimera::gpt2_sizes model{.layers = 4, .heads = 1, .channels = 64, .vocabulary = 256, .context = 32};
    const job_program pipedream(wanted);
    wanted.schedule.which = chimera::family::one_f_one_b;
    const job_program flushed(wanted);
    const auto layers = stage_layers(model, 4);
    EXPECT_EQ(model_bytes(flushed.view(), model, layers), 16.0 * static_cast<double>(parameter_count(model)));
    // 4, 3, 2 and 1 versions of stages 0 to 3: as many more as 3, 2, 1 and 0 stages have weights.
    const double block = 12 * 64 * 64 + 13 * 64, embedding = (256 + 32) * 64;
    EXPECT_EQ(model_bytes(pipedream.view(), model, layers) - model_bytes(flushed.view(), model, layers),
              4 * (3 * (block + embedding) + 2 * block + block));
    const chimera::gpt2_sizes huge{.layers = 96, .heads = 96, .channels = 12288, .vocabulary = 50257, .context = 2048};
    EXPECT_THAT(refusal_of([&] { check_memory(pipedream.view(), huge, stage_layers(huge, 4)); }),
                HasSubstr("weight versions"));
}

TEST(trainer, resumes_behind_the_checkpoint_when_it_died_later) {
    const scratch folder;
    auto whole = small_job(folder, "whole"), parts = small_job(folder, "parts");
    train(whole);
    parts.checkpoint_interval = 2;
    train_options options;
    options.after_step = [](std::int64_t step) {
        if (step == 5) throw chimera::chimera_error("the lights went out (test) go on");
    };
    refusal_of([&] { train(parts, options); });
    EXPECT_EQ(open_checkpoint(parts.output / "checkpoint.safetensors").info.step, 4);
    train_options resume;
    resume.resume = true;
    train(parts, resume);
    EXPECT_EQ(weights(parts), weights(whole));
    EXPECT_EQ(losses(parts), losses(whole));
}

TEST(trainer, runs_every_family_and_choice) {
    const auto run = [](auto change) {
        const scratch folder;
        auto wanted = small_job(folder, "out");
        wanted.optimiser.steps = 3;
        change(wanted);
        const auto report = train(wanted);
        EXPECT_LT(report.last_loss, report.first_loss) << job_text(wanted);
        EXPECT_GT(report.validation_loss, 0);
        return report.first_loss;
    };
    // The same micro-batches in the same order: the loss of the first iteration is that of one worker, to rounding.
    const auto reference =
        run([](job& j) { j.schedule.which = chimera::family::data_parallel, j.schedule.stages = 1; });
    const auto same = [&](auto change) { EXPECT_NEAR(run(change), reference, 1e-5); };
    same([](job& j) { j.schedule.which = chimera::family::gpipe; });
    same([](job& j) { j.schedule.which = chimera::family::one_f_one_b, j.sync = chimera::reduction_start::lazy; });
    same(
        [](job& j) { j.schedule.scale = chimera::scale::doubling, j.schedule.recompute = recompute_named("full", 4); });
    same([](job& j) { j.schedule.scale = chimera::scale::halving, j.sync = chimera::reduction_start::eager; });
    same([](job& j) { j.schedule.pipelines = 4, j.schedule.recompute = recompute_named("1,2", 4); });
    same([](job& j) { j.schedule.width = 2, j.schedule.micro_batches = 2; });
    same([](job& j) {
        j.schedule.which = chimera::family::data_parallel, j.schedule.stages = 1, j.schedule.width = 4,
        j.schedule.micro_batches = 1;
    });
    same([](job& j) { j.schedule.scale = chimera::scale::direct, j.schedule.split = true; });
    for (const std::string_view family : family_names()) {
        if (family == "data_parallel" || family.starts_with("pipedream")) continue;  // above; and not the same loss
        same([&](job& j) {
            j.schedule.which = family_named(family);
            if (family == "dualpipe") j.schedule.stages = 2;  // it needs twice as many micro-batches
        });
    }
    for (const char* family : {"pipedream", "pipedream_2bw"})
        run([&](job& j) { j.schedule.which = family_named(family), j.schedule.micro_batches = 8; });
}

TEST(trainer, trains_on_token_files) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    std::vector<std::uint16_t> tokens;
    for (std::uint16_t i = 0; i < 3000; ++i) tokens.push_back(static_cast<std::uint16_t>(i * i % 300));
    wanted.data = {folder.write("tokens.bin", chimera::test::token_file(tokens))};
    EXPECT_THAT(refusal_of([&] { train(wanted); }), HasSubstr("the vocabulary has 256"));
    wanted.model.vocabulary = 300;
    const auto report = train(wanted);
    EXPECT_FALSE(report.text);
    EXPECT_THAT(report_text(report), HasSubstr("nats per token"));
}

}  // namespace
