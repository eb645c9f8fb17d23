// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <chimera/render/json.hpp>

#include <executor/job/job.hpp>

#include <gmock/gmock.h>

using namespace chimera::executor;
using chimera::test::refusal_of;
using testing::HasSubstr;
using testing::Not;

namespace {

std::string refused(const std::string& text) {
    return refusal_of([&] { check_job(parse_job(text, "j.json")); });
}

TEST(job, every_key_is_read_and_written_back) {
    const std::string text = R"({"format":"chimera.job","version":1,
        "model":{"layers":8,"heads":2,"channels":32,"context":48,"vocabulary":300},
        "data":["a","b c"],"validation_fraction":0.2,"validation_windows":99,
        "schedule":{"family":"bidirectional","stages":8,"micro_batches":16,"pipelines":4,"scale":"halving","width":2,"sync":"eager","recompute":[0,3],"blocks":[2,1,1,1,1,1,1,0]},
        "batch":{"sequences":6,"tokens":40},
        "optimiser":{"learning_rate":0.01,"min_learning_rate":0.001,"warmup":5,"steps":50,"betas":[0.8,0.99],"weight_decay":0.2,"clip":0.5},
        "seed":18446744073709551615,"output":"out","checkpoint_interval":7,"watchdog":2.5,"cores":3,"threads":5})";
    const auto made = parse_job(text, "j");
    EXPECT_EQ(made.model,
              (chimera::gpt2_sizes{.layers = 8, .heads = 2, .channels = 32, .vocabulary = 300, .context = 48}));
    EXPECT_EQ(made.data, (std::vector<std::filesystem::path>{"a", "b c"}));
    EXPECT_EQ(made.schedule.stages, 8);
    EXPECT_EQ(made.schedule.recompute, (recompute_choice{chimera::recompute_mode::mixed, {0, 3}}));
    EXPECT_EQ(made.blocks, (std::vector{2, 1, 1, 1, 1, 1, 1, 0}));
    EXPECT_EQ(parse_job(job_text(made), "again").blocks, made.blocks);
    EXPECT_EQ(made.sync, chimera::reduction_start::eager);
    EXPECT_EQ(made.tokens(), 40);
    EXPECT_EQ(made.optimiser.beta2, 0.99);
    EXPECT_EQ(made.seed, 18446744073709551615u);
    EXPECT_EQ(made.watchdog, 2.5);
    EXPECT_EQ(made.threads, 5);
    check_job(made);
    EXPECT_EQ(job_text(parse_job(job_text(made), "again")), job_text(made));
    EXPECT_THAT(job_text(made), HasSubstr("\"micro_batches\": 16"));
}

TEST(job, the_hash_follows_what_decides_the_bits_and_nothing_else) {
    const std::string text = R"({"data":"x","optimiser":{"steps":5}})";
    const auto base = parse_job(text, "j");
    auto other = base;
    other.output = "elsewhere";
    other.cores = 7;
    other.watchdog = 1;
    EXPECT_EQ(job_hash(base, 1), job_hash(other, 1));
    EXPECT_NE(job_hash(base, 1), job_hash(base, 2));
    other.seed = 2;
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
    other = base;
    other.schedule.recompute = recompute_named("full", 4);
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
    other = base;
    other.blocks = {1, 1, 1, 1};
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
    other = base;
    other.device = training_device::cpu, other.precision = training_precision::bf16;
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
    other = base;
    other.threads = 2;
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
    other = base;
    other.optimiser.clip = 2;
    EXPECT_NE(job_hash(base, 1), job_hash(other, 1));
}

TEST(job, a_scale_that_was_given_is_written_back_even_if_it_is_direct) {
    const std::string rest = R"(,"data":"x","optimiser":{"steps":5}})";
    const job plain = parse_job(R"({"schedule":{})" + rest, "j");
    const job direct = parse_job(R"({"schedule":{"scale":"direct"})" + rest, "j");
    EXPECT_THAT(job_text(plain), Not(HasSubstr("scale")));
    EXPECT_THAT(job_text(direct), HasSubstr("\"scale\": \"direct\""));
    EXPECT_NE(job_hash(plain, 1), job_hash(direct, 1));
    EXPECT_EQ(job_hash(parse_job(job_text(direct), "again"), 1), job_hash(direct, 1));
    EXPECT_THAT(refused(R"({"schedule":{"family":"gpipe","scale":"direct"})" + rest), HasSubstr("does not apply"));
}

TEST(job, a_schedule_file_is_read_once) {
    const chimera::test::scratch folder;
    const auto order = make_schedule({{.which = chimera::family::gpipe, .stages = 2, .micro_batches = 3}});
    const std::filesystem::path path = folder.write("order.json", chimera::json(order));
    const job made = parse_job(R"({"schedule":{"file":")" + path.string() + R"(","width":2,"recompute":[1]}})", "j");
    std::filesystem::remove(path);
    EXPECT_EQ(made.schedule.stages, 2);
    EXPECT_EQ(made.schedule.micro_batches, 3);
    EXPECT_EQ(made.family_name(), "gpipe");
    EXPECT_NE(job_hash(made, 1), job_hash(job{}, 1));
    EXPECT_EQ(schedule_of(made).head.workers, 4);
    EXPECT_THAT(job_text(made), HasSubstr(path.string()));
}

TEST(job, what_a_run_fills_in_leaves_its_hash) {
    const job given = parse_job(R"({"data":"x","optimiser":{"seconds":5}})", "j");
    for (const std::int64_t steps : {1, 19, 20, 39, 40, 1000}) {
        job ran = given;
        ran.optimiser.steps = steps;
        EXPECT_EQ(job_hash(given, 1), job_hash(ran, 1)) << steps;
        ran.optimiser = filled_in(ran.optimiser);
        EXPECT_EQ(job_hash(given, 1), job_hash(ran, 1)) << steps;
        EXPECT_EQ(job_hash(given, 1), job_hash(parse_job(job_text(ran), "again"), 1)) << steps;
        ran.optimiser.warmup += 1;
        EXPECT_NE(job_hash(given, 1), job_hash(ran, 1)) << steps;
        ran.optimiser = filled_in(given.optimiser);
        ran.optimiser.min_learning_rate *= 2;
        EXPECT_NE(job_hash(given, 1), job_hash(ran, 1)) << steps;
    }
}

TEST(job, what_is_wrong_is_named_with_what_would_be_right) {
    EXPECT_EQ(refused(R"({"data":"x","optimiser":{"steps":5}})"), "");
    EXPECT_THAT(refused(""), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused("{"), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused("[]"), HasSubstr("not an object"));
    EXPECT_THAT(refused(R"({"data":"x","data":"y"})"), HasSubstr("key twice (data)"));
    EXPECT_THAT(refused("{\"data\":" + std::string(1000, '[')), HasSubstr("nested too deep"));
    EXPECT_THAT(refused(R"({"data":"x","sede":1})"),
                HasSubstr("key \"sede\" is unknown (misspelt?) known are batch, checkpoint_interval"));
    EXPECT_THAT(refused(R"({"model":{"layer":1}})"), HasSubstr("model: key \"layer\" is unknown"));
    EXPECT_THAT(refused(R"({"model":{"layers":0}})"),
                HasSubstr("layers is 0 (out of range) give a whole number from 1"));
    EXPECT_THAT(refused(R"({"model":{"layers":-1}})"), HasSubstr("layers is -1"));
    EXPECT_THAT(refused(R"({"model":{"layers":1e400}})"), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused(R"({"model":{"layers":99999999999999999999}})"), HasSubstr("layers is 1e+20"));
    EXPECT_THAT(refused(R"({"model":{"layers":18446744073709551615}})"), HasSubstr("layers is 18446744073709551615"));
    EXPECT_THAT(refused(R"({"model":{"layers":2.5}})"), HasSubstr("a whole number"));
    EXPECT_THAT(refused(R"({"model":{"layers":"2"}})"), HasSubstr("layers is \"2\""));
    EXPECT_THAT(refused(R"({"model":"big"})"), HasSubstr("unknown model big"));
    EXPECT_THAT(refused(R"({"model":[]})"), HasSubstr("not an object"));
    EXPECT_THAT(refused(R"({"optimiser":{"learning_rate":NaN}})"), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused(R"({"optimiser":{"learning_rate":0}})"), HasSubstr("learning_rate is 0"));
    EXPECT_THAT(refused(R"({"optimiser":{"betas":[0.9]}})"), HasSubstr("betas is [0.9]"));
    EXPECT_THAT(refused(R"({"optimiser":{"betas":[0.9,1]}})"), HasSubstr("beta2 is 1"));
    EXPECT_THAT(refused(R"({"optimiser":{"steps":0}})"), HasSubstr("steps is 0"));
    EXPECT_THAT(refused(R"({"schedule":{"micro_batches":1000000000}})"), HasSubstr("micro_batches is 1000000000"));
    EXPECT_THAT(refused(R"({"schedule":{"recompute":{"a":1}}})"), HasSubstr("a list of stages"));
    for (const char* blocks : {"[]", "[-1]", "[1.5]", "\"1,x\"", "\"\"", "{}", "[[1]]", "[99999]"})
        EXPECT_THAT(refused(R"({"schedule":{"blocks":)" + std::string(blocks) + "}}"), HasSubstr("blocks is"));
    EXPECT_THAT(refused(R"({"seed":-1})"), HasSubstr("seed is -1"));
    EXPECT_THAT(refused(R"({"watchdog":0})"), HasSubstr("watchdog is 0"));
    EXPECT_THAT(refused(R"({"threads":0})"), HasSubstr("threads is 0"));
    EXPECT_THAT(refused(R"({"data":[1]})"), HasSubstr("not a path"));
    EXPECT_THAT(refused("{\"data\":\"a\\u0000b\"}"), HasSubstr("not a path"));
    EXPECT_THAT(refused(R"({"format":"chimera.schedule"})"), HasSubstr("is no job"));
    EXPECT_THAT(refused(R"({"version":2})"), HasSubstr("version is 2"));
}

TEST(job, values_that_do_not_go_together_are_refused) {
    const std::string rest = R"(,"data":"x","optimiser":{"steps":5}})";
    EXPECT_THAT(refused("{\"seed\":1}"), HasSubstr("no data"));
    EXPECT_THAT(refused(R"({"data":"x"})"), HasSubstr("has no end"));
    EXPECT_THAT(refused(R"({"model":{"heads":3})" + rest),
                HasSubstr("channels are 64 (not a multiple of its 3 heads) use 66"));
    EXPECT_THAT(refused(R"({"device":"cuda","threads":2)" + rest), HasSubstr("threads is 2) leave it out"));
    EXPECT_THAT(refused(R"({"batch":{"tokens":65})" + rest), HasSubstr("65 tokens (the model's context is 64)"));
    EXPECT_THAT(refused(R"({"schedule":{"stages":6})" + rest), HasSubstr("6 stages (the model has 4 layers)"));
    EXPECT_THAT(refused(R"({"schedule":{"blocks":[2,2]})" + rest), HasSubstr("2 numbers (the schedule has 4 stages)"));
    EXPECT_THAT(refused(R"({"schedule":{"blocks":[2,2,1,0]})" + rest),
                HasSubstr("add up to 5 (the model has 4 layers)"));
    EXPECT_EQ(refused(R"({"schedule":{"stages":6,"blocks":"1,1,0,1,1,0"})" + rest), "");  // more stages than layers
    EXPECT_THAT(refused(R"({"schedule":{"scale":"halving"},"batch":{"sequences":3})" + rest), HasSubstr("even number"));
    EXPECT_THAT(refused(R"({"schedule":{"sync":"never"})" + rest), HasSubstr("unknown sync never"));
    EXPECT_THAT(refused(R"({"schedule":{"micro_batches":1000000,"width":1000})" + rest), HasSubstr("an iteration has"));
    EXPECT_THAT(refused(R"({"model":{"layers":4096,"channels":65536})" + rest), HasSubstr("the model needs"));
    EXPECT_THAT(refused(R"({"output":"","data":"x","optimiser":{"steps":5}})"), HasSubstr("output folder has no name"));
}

}  // namespace
