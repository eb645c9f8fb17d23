// SPDX-License-Identifier: Apache-2.0
// Iterations as graphs, and what training takes of a GPU, where a host stands in for one and keeps books.
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/train/cuda/small_job.hpp"

#include <chimera/core/error.hpp>
#include <executor/engine/engine.hpp>

#include <gmock/gmock.h>

#include <functional>

namespace {

using namespace chimera::test;
namespace fake = chimera::fake;
using testing::HasSubstr;

struct kind {
    const char* family;
    int stages;
    const char* recompute = "none";
    const char* precision = "fp32";
};
void PrintTo(const kind& k, std::ostream* out) { *out << k.family << ' ' << k.precision << ' ' << k.recompute; }

job job_of(const scratch& folder, const kind& k, const char* output) {
    job wanted = small_job(folder, output, k.family, k.stages);
    wanted.model.vocabulary = 300;  // filled up to 320
    wanted.schedule.recompute = recompute_named(k.recompute, k.stages);
    wanted.precision = *find_choice<training_precision>(k.precision);
    wanted.optimiser.steps = 4;
    wanted.optimiser.warmup = 3;   // every step has a rate of its own
    wanted.optimiser.clip = 0.05;  // and is clipped
    return wanted;
}

/// The log but for its times.
std::string steps_of(const job& of) {
    std::string out, log = contents(of.output / "log.jsonl");
    for (const char* key : {"\"step\"", "\"loss\"", "\"learning_rate\"", "\"gradient_norm\""})
        EXPECT_THAT(log, HasSubstr(key));
    for (std::size_t at = 0; (at = log.find('{', at)) != std::string::npos; ++at) {
        const std::string line = log.substr(at, log.find('\n', at) - at);
        out += line.substr(0, line.find("\"tokens\"")) + "\n";
    }
    return out;
}

class training : public testing::TestWithParam<kind> {};

/// A run, and what the stand-in's books say of it.
struct outcome {
    train_report report;
    std::string weights, steps;
    std::vector<std::size_t> allocations, taken, launches;  // after each iteration
    std::size_t most = 0, left = 0;
};
outcome run(const kind& k, bool graph) {
    const scratch folder;
    job wanted = job_of(folder, k, "run");
    wanted.graph = graph;
    outcome out;
    const std::size_t before = fake::the().taken;
    fake::the().most_taken = before;
    fake::the().launches = 0;
    train_options options;
    options.after_step = [&](std::int64_t) {
        out.allocations.push_back(fake::the().allocations);
        out.taken.push_back(fake::the().taken - before);
        out.launches.push_back(fake::the().launches);
    };
    out.report = train_there(wanted, options);
    out.weights = weights(wanted);
    out.steps = steps_of(wanted);
    out.most = fake::the().most_taken - before;
    out.left = fake::the().taken - before;
    return out;
}

/// A replay with the batch, the rate or the norm of another iteration would end in other weights.
TEST_P(training, graphs_leave_the_bits_of_plain_launches_and_both_take_the_memory_that_was_predicted) {
    const outcome plain = run(GetParam(), false), whole = run(GetParam(), true);
    EXPECT_TRUE(plain.weights == whole.weights);
    EXPECT_EQ(plain.steps, whole.steps);
    EXPECT_EQ(plain.launches.back(), 0U);
    EXPECT_EQ(whole.launches.back() - whole.launches.front(), 3U);
    for (const outcome& each : {plain, whole}) {
        EXPECT_THAT(each.allocations, testing::Each(each.allocations.front()))
            << "memory taken after the first iteration";
        EXPECT_THAT(each.taken, testing::Each(each.report.predicted_memory));
        EXPECT_EQ(each.report.measured_memory, each.report.predicted_memory);
        EXPECT_EQ(each.most, each.report.predicted_memory) << "before the first iteration, or after the last";
        EXPECT_EQ(each.left, 0U);
    }
}

constexpr kind kinds[] = {{"gpipe", 1},
                          {"one_f_one_b", 4},
                          {"one_f_one_b", 4, "full"},
                          {"bidirectional", 4, "0,2", "bf16"},
                          {"zb_h1", 4, "none", "bf16"},
                          {"interleaved", 4},
                          {"dualpipe_v", 4, "none", "bf16"},
                          {"data_parallel", 1, "none", "bf16"},
                          {"pipedream", 4},
                          {"pipedream_2bw", 4, "none", "bf16"}};

INSTANTIATE_TEST_SUITE_P(kinds, training, testing::ValuesIn(kinds), [](const auto& each) {
    std::string name = std::string(each.param.family) + "_" + each.param.precision + "_" + each.param.recompute;
    std::ranges::replace(name, ',', '_');
    return name;
});

/// What a run fails with.
std::string failure_of(const std::function<void()>& run) {
    try {
        run();
    } catch (const run_failed& failed) {
        return failed.what();
    }
    return "nothing failed";
}

TEST(training_on_a_gpu, ends_where_the_gradient_is_not_finite) {
    for (const kind& k : {kind{"bidirectional", 4}, kind{"pipedream", 4}})
        for (const bool graph : {false, true}) {
            const scratch folder;
            job wanted = job_of(folder, k, "run");
            wanted.graph = graph;
            wanted.optimiser.learning_rate = 1e30;
            wanted.optimiser.clip = 0;
            const std::string line = failure_of([&] { train_there(wanted); });
            EXPECT_THAT(line, HasSubstr("the gradient is not finite at step "));
            EXPECT_THAT(line, HasSubstr("start again with --learning-rate 1e+29"));
            EXPECT_FALSE(std::filesystem::exists(wanted.output / "checkpoint.safetensors"));
        }
}

class small_gpu : public testing::Test {
protected:
    void SetUp() override { before_ = fake::the().memory; }
    void TearDown() override { fake::the().memory = before_; }
    std::size_t before_ = 0;
};

TEST_F(small_gpu, refuses_what_does_not_fit_before_it_starts) {
    const scratch folder;
    const job wanted = job_of(folder, {"one_f_one_b", 4}, "run");
    const std::size_t needed = train_there(wanted).predicted_memory;
    const std::size_t taken = fake::the().taken;
    job again = wanted;
    again.output = folder / "again";
    fake::the().memory = taken + needed;
    train_there(again);  // it just fits
    again.output = folder / "no";
    fake::the().memory = taken + needed - 1;
    const std::string line = refusal_of([&] { train_there(again); });
    EXPECT_THAT(line,
                testing::StartsWith("training needs 0.13 GiB of GPU 0, a host / in disguise (0.13 GiB of its 0.13 GiB "
                                    "are free) use fewer sequences in a micro-batch"));
    for (const char* setting : {"micro-batches in flight", "more stages", "--recompute full", "--precision bf16"})
        EXPECT_THAT(line, HasSubstr(setting));
    EXPECT_FALSE(std::filesystem::exists(again.output));
    again.precision = training_precision::bf16;  // which needs less
    fake::the().memory = taken + needed / 4;
    EXPECT_THAT(refusal_of([&] { train_there(again); }),
                testing::AllOf(testing::StartsWith("training needs"), testing::Not(HasSubstr("bf16"))));
}

/// Somebody else takes memory after all was found to fit.
TEST_F(small_gpu, says_what_is_lacking_when_memory_fails_later) {
    const scratch folder;
    const job wanted = job_of(folder, {"one_f_one_b", 4}, "run");
    train_options options;
    std::unique_ptr<backend> made;
    const std::string line = refusal_of([&] {
        options.make_backend = [](const job& of, int) {
            auto on = make_gpu_backend({1, of.in_bf16(), of.deterministic, 30});
            fake::the().fails_after = 40;
            return on;
        };
        train(wanted, options);
    });
    fake::the().fails_after = 0;
    EXPECT_THAT(line, HasSubstr("GPU 0 is out of memory ("));
    EXPECT_THAT(line, HasSubstr("use fewer sequences in a micro-batch"));
    EXPECT_FALSE(std::filesystem::exists(wanted.output));
}

}  // namespace
