// SPDX-License-Identifier: Apache-2.0
// Training with fused attention, of which a host stands in: what it takes is predicted, and it leaves the bits that are promised.
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/train/cuda/small_job.hpp"

#include <executor/job/programs.hpp>
#include <executor/memory/measured_memory.hpp>

#include <gmock/gmock.h>

namespace {

using namespace chimera::test;
namespace fake = chimera::fake;

class fused_training : public testing::Test {
protected:
    void SetUp() override { fake::the().fused = {.built = true, .workspace = (std::size_t{1} << 20) + 77}; }
    void TearDown() override { fake::the().fused = {}; }

    /// Weights, after the checks of what every run takes.
    static std::string run(const char* family, int stages, bool graph, bool deterministic = true) {
        const scratch folder;
        job wanted = small_job(folder, "run", family, stages);
        wanted.precision = training_precision::bf16;
        wanted.graph = graph;
        wanted.deterministic = deterministic;
        const std::size_t before = fake::the().taken;
        std::vector<std::size_t> taken;
        train_options options;
        options.after_step = [&](std::int64_t) { taken.push_back(fake::the().taken - before); };
        const train_report report = train_there(wanted, options);
        EXPECT_THAT(taken, testing::Each(report.predicted_memory)) << family;
        EXPECT_GT(fake::the().fused.gradients, 0) << "it was not used";
        return weights(wanted);
    }
};

TEST_F(fused_training, leaves_the_same_bits_where_it_is_deterministic) {
    const std::string alone = run("gpipe", 1, false);
    EXPECT_TRUE(run("one_f_one_b", 4, true) == alone);
}

TEST_F(fused_training, leaves_other_bits_where_it_is_not) {  // else the test above would show nothing
    const std::string once = run("gpipe", 1, false, false);
    ++fake::the().fused.gradients;  // the stand-in takes turns, and a run has an even number of them
    EXPECT_FALSE(run("gpipe", 1, false, false) == once);
}

// Compiling its plans takes long: once to know the memory of all stages.
TEST_F(fused_training, is_planned_once_to_predict_memory) {
    const scratch folder;
    job wanted = small_job(folder, "run", "one_f_one_b", 4);
    wanted.precision = training_precision::bf16;
    const chimera::program p = detail::make_program(wanted);
    const chimera::gpt2_sizes config = wanted.model;
    const auto on = make_gpu_backend({1, true, true, 30});
    const std::size_t before = fake::the().taken;
    device_needs(p, config, stage_layers(config, 4), {wanted.batch.sequences, wanted.tokens()}, *on->room());
    EXPECT_EQ(fake::the().fused.made, 1);
    EXPECT_EQ(fake::the().taken, before);
}

}  // namespace
