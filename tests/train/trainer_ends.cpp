// SPDX-License-Identifier: Apache-2.0
// How a run ends that cannot begin, or cannot go on.
#include "trainer_job.hpp"

#include <executor/checkpoint/checkpoint.hpp>
#include <executor/engine/engine.hpp>

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <algorithm>

using namespace chimera::executor;
using chimera::test::refusal_of;
using chimera::test::scratch;
using chimera::test::small_job;
using chimera::test::weights;
using testing::HasSubstr;

namespace {

TEST(trainer, a_token_file_cut_short_ends_the_run_in_one_line) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    const std::string bytes = chimera::test::token_file(std::vector<std::uint16_t>(30'000, 7));
    wanted.data = {folder.write("tokens.bin", bytes)};
    wanted.optimiser.steps = 200;
    train_options options;
    options.after_step = [&](std::int64_t step) {
        if (step == 3) std::filesystem::resize_file(folder / "tokens.bin", 1100);
    };
    std::string said;
    try {
        train(wanted, options);
    } catch (const run_failed& failed) {
        said = failed.what();
    }
    EXPECT_THAT(said, HasSubstr("tokens.bin (it ended early) do not change it while it is read"));
    EXPECT_EQ(std::ranges::count(said, '\n'), 0);
}

TEST(trainer, refuses_before_anything_is_written) {
    const scratch folder;
    const auto refused = [&](auto change) {
        auto wanted = small_job(folder, "out");
        change(wanted);
        std::string text = refusal_of([&] { train(wanted); });
        EXPECT_FALSE(std::filesystem::exists(folder / "out")) << text;
        return text;
    };
    EXPECT_THAT(refusal_of([] { family_named("chimaera"); }), HasSubstr("chimaera"));
    EXPECT_THAT(refused([](job& j) { j.schedule.stages = 3; }), HasSubstr("stages"));
    EXPECT_THAT(refused([](job& j) { j.schedule.pipelines = 6; }), HasSubstr("pipelines"));
    EXPECT_THAT(refused([](job& j) { j.schedule.recompute = recompute_named("7", 4); }), HasSubstr("7"));
    EXPECT_THAT(refused([](job& j) { j.data = {"/nowhere"}; }), HasSubstr("cannot be found"));
    EXPECT_THAT(refused([](job& j) { j.batch.tokens = 17; }), HasSubstr("17 tokens"));
    EXPECT_THAT(refused([](job& j) { j.output = "/proc/none/out"; }),
                HasSubstr("cannot make the output folder /proc/none/out"));
    EXPECT_THAT(refused([&](job& j) { j.output = folder.write("file", "x"); }), HasSubstr("file"));
}

TEST(trainer, refuses_to_replace_or_mix_runs) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    train_options resume;
    resume.resume = true;
    EXPECT_THAT(refusal_of([&] { train(wanted, resume); }), HasSubstr("No such file"));
    train(wanted);
    const auto before = weights(wanted);
    EXPECT_THAT(refusal_of([&] { train(wanted); }), HasSubstr("holds a checkpoint"));
    auto other = wanted;
    other.seed = 9;
    EXPECT_THAT(refusal_of([&] { train(other, resume); }), HasSubstr("of another job"));
    other = wanted;
    other.model.channels = 32;
    EXPECT_THAT(refusal_of([&] { train(other, resume); }), HasSubstr("of another model"));
    auto damaged = before;
    damaged[damaged.size() / 2] ^= 4;
    std::ofstream(wanted.output / "checkpoint.safetensors", std::ios::binary) << damaged;
    EXPECT_THAT(refusal_of([&] { train(wanted, resume); }), HasSubstr("checksum is wrong"));
    EXPECT_EQ(weights(wanted), damaged);
}

TEST(trainer, a_disk_that_is_full_ends_the_run_with_the_earlier_checkpoint_intact) {
    const scratch folder;
    auto wanted = small_job(folder, "out");
    wanted.checkpoint_interval = 2;
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    train_options options;
    options.after_step = [&](std::int64_t step) {
        const rlimit small{4096, old.rlim_max};
        if (step == 3) setrlimit(RLIMIT_FSIZE, &small);
    };
    const auto refused = refusal_of([&] { train(wanted, options); });
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(refused, HasSubstr("checkpoint.safetensors (File too large)"));
    EXPECT_EQ(open_checkpoint(wanted.output / "checkpoint.safetensors").info.step, 2);
    for (const auto& each : std::filesystem::directory_iterator(wanted.output))
        EXPECT_NE(each.path().extension(), ".partial") << each.path();
}

}  // namespace
