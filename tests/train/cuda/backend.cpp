// SPDX-License-Identifier: Apache-2.0
// Training on a GPU through the trainer itself. Skipped where there is none.
#include "tests/train/cuda/small_job.hpp"

#include <executor/device/cpu/cpu.hpp>
#include <executor/device/cuda/gpu.hpp>
#include <executor/gpu/choose.hpp>

#include <gmock/gmock.h>

#include <csignal>

using namespace chimera::test;

namespace {

class on_gpu : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (const gpus_found found = find_gpus(); found.all.empty()) GTEST_SKIP() << "no GPU: " << found.why;
    }
};

// Families with one holder of every stage add up micro-batches as one worker does; where two pipelines share a stage, their sums are
// added at the end. Where kernels are emulated, a few of either.
#ifdef CHIMERA_ON_HOST
constexpr const char* alone[] = {"one_f_one_b", "zb_h1"};
constexpr const char* shared[] = {"bidirectional"};
#else
constexpr const char* alone[] = {"gpipe", "one_f_one_b", "interleaved", "breadth_first", "zb_h1",     "zb_h2",
                                 "zb_v",  "v_half",      "v_min",       "wave",          "dualpipe_v"};
constexpr const char* shared[] = {"gems", "bidirectional", "dualpipe", "bitpipe"};
#endif

TEST_P(on_gpu, pipelines_leave_the_bits_of_one_worker) {
    const scratch folder;
    job one = small_job(folder, "one", "gpipe", 1);
    one.precision = *find_choice<training_precision>(GetParam());
    const train_report first = train_there(one);
    EXPECT_LT(first.last_loss, first.first_loss);
    for (const char* family : alone) {
        job wanted = small_job(folder, family, family, 4);
        wanted.precision = *find_choice<training_precision>(GetParam());
        const train_report report = train_there(wanted);
        EXPECT_EQ(report.last_loss, first.last_loss) << family;
        EXPECT_EQ(report.validation_loss, first.validation_loss) << family;
        EXPECT_TRUE(weights(wanted) == weights(one)) << family;
    }
}

TEST_P(on_gpu, pipelines_that_share_stages_leave_the_same_bits_twice) {
    const scratch folder;
    for (const char* family : shared) {
        job wanted = small_job(folder, family, family, 4);
        wanted.precision = *find_choice<training_precision>(GetParam());
        train_there(wanted);
        job again = wanted;
        again.output = folder / "again" / family;
        train_there(again);
        EXPECT_TRUE(weights(wanted) == weights(again)) << family;
    }
}

TEST_P(on_gpu, a_run_stopped_goes_on_with_the_same_bits) {
    const scratch folder;
    job whole = small_job(folder, "whole", "bidirectional", 4), parts = small_job(folder, "parts", "bidirectional", 4);
    whole.precision = parts.precision = *find_choice<training_precision>(GetParam());
    train_there(whole);
    train_options options;
    options.after_step = [](std::int64_t now) {
        if (now == 2) std::raise(SIGTERM);
    };
    EXPECT_TRUE(train_there(parts, options).stopped);
    options.after_step = nullptr;
    options.resume = true;
    train_there(parts, options);
    EXPECT_TRUE(weights(whole) == weights(parts));
}

TEST_P(on_gpu, learns_about_what_the_cpu_learns) {
    const scratch folder;
    job there = small_job(folder, "there", "bidirectional", 4), here = small_job(folder, "here", "bidirectional", 4);
    there.precision = *find_choice<training_precision>(GetParam());
    here.device = training_device::cpu;
    const double far = train_there(there).last_loss, near = train(here).last_loss;
    // A few steps of fp32 differ in the order of sums alone; bf16 rounds every activation to 2^-8.
    EXPECT_NEAR(far, near, std::string(GetParam()) == "fp32" ? 1e-4 * near : 2e-2 * near);
}

INSTANTIATE_TEST_SUITE_P(precisions, on_gpu, testing::Values("fp32", "bf16"),
                         [](const auto& each) { return std::string(each.param); });

/// Runs everywhere: with a GPU a job is taken there, without it is refused or stays.
TEST(choose_backend, takes_what_there_is) {
    job wanted;
    std::string said;
    const auto say = [&](const std::string& line) { said += line; };
    const bool there = !find_gpus().all.empty();
    EXPECT_EQ(choose_backend(wanted, 4, say)->on_host(), !there);
    EXPECT_EQ(said.empty(), there);
    wanted.device = training_device::cpu;
    said.clear();
    EXPECT_TRUE(choose_backend(wanted, 4, say)->on_host());
    EXPECT_EQ(said, "");
    if (there) return;
    wanted.device = training_device::cuda;
    EXPECT_THAT(refusal_of([&] { choose_backend(wanted, 4, say); }),
                testing::HasSubstr("there is no GPU for the job ("));
    wanted.device = training_device::automatic;
    wanted.precision = training_precision::bf16;
    if (cpu_has_bf16())
        EXPECT_TRUE(choose_backend(wanted, 4, say)->on_host());
    else
        EXPECT_THAT(refusal_of([&] { choose_backend(wanted, 4, say); }), testing::HasSubstr("bf16"));
}

}  // namespace
