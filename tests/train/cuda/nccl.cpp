// SPDX-License-Identifier: Apache-2.0
// Training with a GPU for each worker, joined by NCCL, where a host stands in for both: the bits of workers that share one.
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/engine/cuda/fake/fake.hpp"
#include "tests/train/cuda/small_job.hpp"

#include <executor/engine/engine.hpp>
#include <executor/job/programs.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <tuple>

namespace {

using namespace chimera::test;

job two_stages(const scratch& folder, const char* family, const char* precision, const char* output) {
    job wanted = small_job(folder, output, family, 2);
    wanted.precision = *find_choice<training_precision>(precision);
    wanted.optimiser.clip = 0.05;
    if (wanted.schedule.which == chimera::family::gpipe)
        wanted.schedule.micro_batches = 12;  // more under way than copies are kept
    return wanted;
}

constexpr std::size_t summed = 256;  // numbers of each rank that nccl keeps room for, on each

/// Of both GPUs, which share the stand-in's books.
std::size_t predicted(const job& wanted) {
    const chimera::program p = detail::make_program(wanted);
    const chimera::gpt2_sizes config = wanted.model;
    const auto on = make_gpu_backend({2, wanted.in_bf16(), true, 30});
    const auto needs =
        device_needs(p, config, stage_layers(config, 2), {wanted.batch.sequences, wanted.tokens()}, *on->room());
    return needs.at(0) + needs.at(1) + 2 * 2 * summed * sizeof(double);
}

train_report train_apart(const job& wanted, train_options options = {}) {
    options.make_backend = [](const job& of, int workers) {
        return make_gpu_backend({workers, of.in_bf16(), of.deterministic, 30});
    };
    ::fake::forget_code();
    ::fake::forget_hazards();
    const int aborts = ::fake::aborts();
    const train_report report = train(wanted, options);
    EXPECT_EQ(::fake::hazards(), "") << wanted.family_name();
    EXPECT_EQ(::fake::aborts(), aborts) << wanted.family_name();
    return report;
}

TEST(training_over_nccl, leaves_the_bits_of_workers_that_share_a_gpu) {
    for (const auto& [family, precision] :
         {std::pair{"one_f_one_b", "fp32"}, {"bidirectional", "bf16"}, {"pipedream", "fp32"}, {"gpipe", "fp32"}}) {
        const scratch folder;
        const job apart = two_stages(folder, family, precision, "apart"),
                  together = two_stages(folder, family, precision, "together");
        const std::size_t before = chimera::fake::the().taken;
        std::vector<std::size_t> allocations, taken;
        train_options options;
        options.after_step = [&](std::int64_t) {
            allocations.push_back(chimera::fake::the().allocations);
            taken.push_back(chimera::fake::the().taken - before);
        };
        train_apart(apart, options);
        EXPECT_THAT(allocations, testing::Each(allocations.front())) << family;
        EXPECT_THAT(taken, testing::Each(predicted(apart))) << family;
        EXPECT_EQ(chimera::fake::the().taken, before);
        train_there(together);
        EXPECT_TRUE(weights(apart) == weights(together)) << family << ' ' << precision;
    }
}

job tiny_job(const scratch& folder, const char* family, int stages, const char* precision) {
    job wanted = small_job(folder, "apart", family, stages);
    wanted.model = {6, 1, 16, 256, 16};
    wanted.batch = {1, 16};
    wanted.validation_windows = 5;
    wanted.precision = *find_choice<training_precision>(precision);
    wanted.optimiser.steps = 2;
    return wanted;
}

/// Nothing may be left to be loaded, taken or given back while a message waits: whatever a worker does, in the first iteration, after a
/// resume and in the validation, where the workers in the middle wait for nothing but messages.
class training_over_nccl_of : public testing::TestWithParam<std::tuple<const char*, int, const char*, const char*>> {};

TEST_P(training_over_nccl_of, loads_and_takes_all_before_the_first_message) {
    const auto& [family, stages, precision, recompute] = GetParam();
    const scratch folder;
    job wanted = tiny_job(folder, family, stages, precision);
    wanted.schedule.recompute = recompute_named(recompute, stages);
    wanted.checkpoint_interval = 1;
    train_options options;
    options.after_step = [](std::int64_t now) {
        if (now == 1) std::raise(SIGTERM);
    };
    EXPECT_TRUE(train_apart(wanted, options).stopped);
    options = {};
    options.resume = true;
    EXPECT_GT(train_apart(wanted, options).validation_loss, 0);
}

TEST(training_over_nccl, a_validation_whose_messages_do_not_come_is_ended) {
    const scratch folder;
    job wanted = tiny_job(folder, "one_f_one_b", 3, "fp32");
    wanted.watchdog = 0.5;
    wanted.optimiser.steps = 1;
    train_options options;
    options.after_step = [](std::int64_t) { ::fake::lose_messages(1); };
    options.make_backend = [](const job& of, int workers) {
        return make_gpu_backend({workers, of.in_bf16(), of.deterministic, 30});
    };
    try {
        train(wanted, options);
        ADD_FAILURE();
    } catch (const run_failed& e) {
        EXPECT_THAT(e.what(), testing::StartsWith("worker 2 made no progress in the validation for 0.5 s ("));
    }
    ::fake::restore_connections();
}

INSTANTIATE_TEST_SUITE_P(
    families, training_over_nccl_of,
    testing::Values(std::tuple{"one_f_one_b", 3, "fp32", "none"}, std::tuple{"one_f_one_b", 3, "bf16", "full"},
                    std::tuple{"zb_h1", 3, "fp32", "none"}, std::tuple{"zb_v", 6, "bf16", "none"},
                    std::tuple{"interleaved", 6, "fp32", "full"}, std::tuple{"bidirectional", 2, "fp32", "none"},
                    std::tuple{"bidirectional", 2, "bf16", "full"}, std::tuple{"pipedream", 3, "fp32", "none"},
                    std::tuple{"pipedream", 3, "bf16", "none"}),
    [](const auto& of) {
        return std::string(std::get<0>(of.param)) + "_" + std::get<2>(of.param) + "_" + std::get<3>(of.param);
    });

}  // namespace
