// SPDX-License-Identifier: Apache-2.0
// Training with a GPU for each worker, joined by NCCL, where a host stands in for both: the bits of workers that share one.
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/train/cuda/small_job.hpp"

#include <executor/train/programs.hpp>

#include <gmock/gmock.h>

namespace {

using namespace chimera::test;
namespace fake = chimera::fake;

job two_stages(const scratch& folder, const char* family, const char* precision, const char* output) {
    job wanted = small_job(folder, output, family, 2);
    wanted.precision = precision;
    wanted.optimiser.clip = 0.05;
    if (wanted.schedule.family == "gpipe") wanted.schedule.micro_batches = 12;  // more under way than copies are kept
    return wanted;
}

/// Of both GPUs, which share the stand-in's books; each rank says hello with two numbers.
std::size_t predicted(const job& wanted) {
    const chimera::program p = detail::make_program(wanted);
    const gpt2_config config = config_of(wanted.model);
    const auto on = make_gpu_backend({2, wanted.precision == "bf16", true, 30});
    const auto needs =
        device_needs(p, config, stage_layers(config, 2), {wanted.batch.sequences, wanted.tokens()}, *on->room());
    return needs.at(0) + needs.at(1) + 2 * 2 * sizeof(double);
}

TEST(training_over_nccl, leaves_the_bits_of_workers_that_share_a_gpu) {
    for (const auto& [family, precision] :
         {std::pair{"one_f_one_b", "fp32"}, {"bidirectional", "bf16"}, {"pipedream", "fp32"}, {"gpipe", "fp32"}}) {
        const scratch folder;
        const job apart = two_stages(folder, family, precision, "apart"),
                  together = two_stages(folder, family, precision, "together");
        const std::size_t before = fake::the().taken;
        std::vector<std::size_t> allocations, taken;
        train_options options;
        options.after_step = [&](std::int64_t) {
            allocations.push_back(fake::the().allocations);
            taken.push_back(fake::the().taken - before);
        };
        options.make_backend = [](const job& of, int workers) {
            return make_gpu_backend({workers, of.precision == "bf16", of.deterministic, 30});
        };
        train(apart, options);
        EXPECT_THAT(allocations, testing::Each(allocations.front())) << family;
        EXPECT_THAT(taken, testing::Each(predicted(apart))) << family;
        EXPECT_EQ(fake::the().taken, before);
        train_there(together);
        EXPECT_TRUE(weights(apart) == weights(together)) << family << ' ' << precision;
    }
}

}  // namespace
