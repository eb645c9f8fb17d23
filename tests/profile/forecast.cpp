// SPDX-License-Identifier: Apache-2.0
#include "tests/train/made.hpp"
#include "tests/train/scratch.hpp"

#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/forecast/fit_costs.hpp>
#include <executor/io/family_options.hpp>
#include <executor/io/profile.hpp>
#include <executor/io/read.hpp>
#include <executor/profile/forecast.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <map>

using namespace chimera;
using namespace chimera::executor;
using chimera::test::made;
using chimera::test::refusal_of;
using testing::HasSubstr;

namespace {

/// Numbers that no two sums share by chance.
profile by_hand() {
    profile out;
    out.model = {.layers = 6, .heads = 2, .channels = 8, .vocabulary = 32, .context = 16};
    out.tokens = 16;
    out.cores = 2;
    out.parameters = {384, 1024, 272, 0};
    out.update = 1e-7;
    out.update_versions = 2e-7;
    out.norm = 3e-8;
    out.reduce_latency = 1e-5;
    out.reduce_byte = 1e-8;
    profiled_batch b;
    b.sequences = 2;
    b.activations = {100, 1000, 300, 0};
    b.boundary_bytes = 64;
    b.passes.push_back(
        {{1e4, 1e4, 1e4, 1e4}, {.01, 1, .3, .001}, {.02, 2, .6, .002}, {.01, 1.1, .4, .001}, {.01, .9, .2, .001}});
    b.passes.push_back(
        {{4e4, 8e4, 8e4, 2e4}, {.01, 1.5, .3, .001}, {.02, 3, .6, .002}, {.01, 1.6, .4, .001}, {.01, 1.4, .2, .001}});
    b.light_forward = {.01, 1.2, .3, .004};
    b.recompute = {.01, 1.05, .3, .003};
    b.engine.push_back({2, .1, .01, .02, .03, .5});
    b.engine.push_back({4, .2, .03, .04, .05, .6, 1.125});
    out.batches.push_back(b);
    b.sequences = 4;
    b.passes.pop_back();
    out.batches.push_back(b);
    return out;
}

std::vector<profiled_stage> cut(const std::vector<int>& blocks, std::vector<int> recomputed = {}) {
    std::vector<profiled_stage> out;
    int layers = 0;
    for (const int b : blocks) layers += b;
    for (const layer_range& r :
         stage_layers({.layers = layers, .heads = 2, .channels = 8, .vocabulary = 32, .context = 16},
                      static_cast<int>(blocks.size()), blocks))
        out.push_back({r, false});
    for (const int s : recomputed) out[static_cast<std::size_t>(s)].recompute = true;
    return out;
}

/// All stages' passes find their buffers that far back.
std::vector<reuse_bytes> back(double bytes, std::size_t stages) {
    return std::vector<reuse_bytes>(stages, {bytes, bytes, bytes, bytes});
}

TEST(profile, a_stage_takes_its_layers_and_one_boundary) {
    const auto c = costs_of(by_hand(), cut({3, 0, 1}), 2, 1, back(0, 3), 2);
    EXPECT_NEAR(c.forward[0], .001 + .01 + 3, 1e-12);
    EXPECT_NEAR(c.forward[1], .001, 1e-12);
    EXPECT_NEAR(c.forward[2], .001 + 1 + .3, 1e-12);
    EXPECT_NEAR(c.backward[0], .002 + .02 + 6, 1e-12);
    EXPECT_NEAR(c.input_gradient[2], .001 + 1.1 + .4, 1e-12);
    EXPECT_NEAR(c.weight_gradient[2], .001 + .9 + .2, 1e-12);
    EXPECT_NEAR(c.update[0], 1e-7 * (384 + 3 * 1024), 1e-15);
    EXPECT_NEAR(c.reduce.seconds[2], 1e-5 + 1e-8 * 4 * (1024 + 272), 1e-15);
    EXPECT_EQ(c.transfer[0], .02);
}

TEST(profile, costs_lie_between_the_states_of_the_caches_that_were_measured) {
    const auto at = [](double bytes) { return costs_of(by_hand(), cut({1, 1}), 2, 1, back(bytes, 2), 2); };
    EXPECT_NEAR(at(0).forward[0], 1.011, 1e-12);
    EXPECT_NEAR(at(1e4).forward[0], 1.011, 1e-12);
    EXPECT_NEAR(at(2e4).forward[0], 1.261, 1e-12);  // half the way between 1e4 and 4e4 on a logarithmic scale
    EXPECT_NEAR(at(4e4).forward[0], 1.511, 1e-12);
    EXPECT_NEAR(at(1e9).forward[0], 1.511, 1e-12);
    // Every pass on its own scale: a third of the way to 8e4, beyond 2e4.
    EXPECT_NEAR(at(2e4).backward[0], .002 + .02 + 2 + 1 / 3.0, 1e-12);
    EXPECT_NEAR(at(2e4).input_gradient[0], .001 + .01 + 1.1 + .5 / 3, 1e-12);
    EXPECT_NEAR(at(2e4).weight_gradient[0], .001 + .01 + 1.4, 1e-12);
}

TEST(profile, every_stage_is_looked_up_by_its_own_reuse) {
    const reuse_bytes near{1e4, 1e4, 1e4, 1e4}, far{1e9, 1e9, 1e9, 1e9};
    const auto c = costs_of(by_hand(), cut({1, 1}), 2, 1, std::vector<reuse_bytes>{near, far}, 2);
    EXPECT_NEAR(c.forward[0], .001 + .01 + 1, 1e-12);
    EXPECT_NEAR(c.forward[1], .001 + 1.5 + .3, 1e-12);
}

TEST(profile, more_workers_than_cores_have_passes_of_their_own) {
    auto p = by_hand();
    p.batches[0].crowded.push_back(
        {{1e4, 1e4, 1e4, 1e4}, {.02, 1.75, .4, .002}, {.02, 2, .6, .002}, {.01, 1, .3, .001}, {.01, 1, .3, .001}});
    EXPECT_NEAR(costs_of(p, cut({1, 1}), 2, 1, back(4e4, 2), 2).forward[1], .001 + 1.5 + .3, 1e-12);
    EXPECT_NEAR(costs_of(p, cut({1, 1}), 2, 1, back(4e4, 2), 4).forward[1], .002 + 1.75 + .4, 1e-12);
    EXPECT_TRUE(read_profile(profile_text(p)) == p);
}

TEST(profile, recomputed_stages_have_their_own_forward_and_a_warm_backward) {
    const auto c = costs_of(by_hand(), cut({1, 1}, {1}), 2, 1, back(1e9, 2), 2);
    EXPECT_NEAR(c.forward[0], .001 + .01 + 1.5, 1e-12);
    EXPECT_NEAR(c.forward[1], .004 + 1.2 + .3, 1e-12);
    EXPECT_NEAR(c.recompute[1], .003 + 1.05 + .3, 1e-12);
    EXPECT_NEAR(c.backward[0], .002 + .02 + 3, 1e-12);
    EXPECT_NEAR(c.backward[1], .002 + 2 + .6, 1e-12);
}

TEST(profile, halves_are_looked_up_as_micro_batches_of_their_size) {
    const auto whole = costs_of(by_hand(), cut({1, 1}), 2, 1, back(0, 2), 2),
               halves = costs_of(by_hand(), cut({1, 1}), 4, 2, back(0, 2), 2);
    EXPECT_NEAR(halves.forward[1], 2 * whole.forward[1], 1e-12);
    EXPECT_NEAR(halves.transfer[0], 2 * whole.transfer[0], 1e-12);
    EXPECT_THAT(refusal_of([] {
                    costs_of(by_hand(), cut({1, 1}), 2, 2, back(0, 2), 2);
                }),
                HasSubstr("no micro-batches of 1 sequences (measured were 2, 4)"));
}

TEST(profile, stages_keep_their_layers_or_what_recompute_starts_from) {
    EXPECT_EQ(kept_bytes(by_hand(), cut({1, 2, 1}), 2), (std::vector<double>{1100, 2000, 1300}));
    // A recomputed stage keeps its input; the first one, which has its tokens anyway, nothing.
    EXPECT_EQ(kept_bytes(by_hand(), cut({1, 2, 1}, {0, 1}), 2), (std::vector<double>{0, 64, 1300}));
}

/// The same from the definition: for every touch, the set of buffers touched since the same one was touched before.
reuse_bytes by_sets(const program_view& of, const std::vector<double>& kept, int stage) {
    double logarithms[4] = {};
    int counts[4] = {};
    for (int w = 0; w < of.head.workers; ++w) {
        std::vector<std::pair<const instruction*, int>> touches;
        for (int round = 0; round < 2; ++round)
            for (const instruction& i : of.row(w))
                for (int k = 0; is_compute(i.op) && i.op != action::recompute && k < i.count; ++k)
                    touches.emplace_back(&i, of.buffer_of(i, k));
        for (std::size_t at = touches.size() / 2; at < touches.size(); ++at) {
            const auto& [what, buffer] = touches[at];
            if (what->stage != stage) continue;
            std::map<int, double> since{{buffer, kept[static_cast<std::size_t>(stage)]}};
            for (std::size_t b = at; b-- > 0 && touches[b].second != buffer;)
                since.emplace(touches[b].second, kept[touches[b].first->stage]);
            double bytes = 0;
            for (const auto& [_, each] : since) bytes += each;
            const int pass = what->op == action::forward          ? 0
                             : what->op == action::backward       ? 1
                             : what->op == action::input_gradient ? 2
                                                                  : 3;
            logarithms[pass] += std::log(of.head.workers * bytes);
            ++counts[pass];
        }
    }
    const auto mean = [&](int pass) { return counts[pass] > 0 ? std::exp(logarithms[pass] / counts[pass]) : 0; };
    return {mean(0), mean(1), mean(2), mean(3)};
}

TEST(profile, reuse_is_what_was_touched_since) {
    for (const char* family : {"gpipe", "one_f_one_b", "bidirectional", "zb_h1", "interleaved", "zb_v"}) {
        const program played = made(family, 4, 8);
        std::vector<double> kept;
        for (int s = 0; s < played.head.stages; ++s) kept.push_back(1000 + 17 * s);
        const auto found = reuse_of(played, kept);
        for (int s = 0; s < played.head.stages; ++s) {
            const reuse_bytes expected = by_sets(played, kept, s), &actual = found[static_cast<std::size_t>(s)];
            EXPECT_NEAR(actual.forward, expected.forward, 1e-6) << family << s;
            EXPECT_NEAR(actual.backward, expected.backward, 1e-6) << family << s;
            EXPECT_NEAR(actual.input_gradient, expected.input_gradient, 1e-6) << family << s;
            EXPECT_NEAR(actual.weight_gradient, expected.weight_gradient, 1e-6) << family << s;
        }
    }
    // By hand: the last of two stages frees its buffer at once; of the first one two are alive.
    const auto two = reuse_of(made("one_f_one_b", 2, 8), std::vector<double>{10, 100});
    EXPECT_NEAR(two[1].forward, 200, 1e-9);
    EXPECT_NEAR(two[1].backward, 200, 1e-9);
    EXPECT_NEAR(two[0].backward, 40, 1e-9);
    // Weight gradients right behind their input gradients, however many there are: the same, to the bit.
    for (const int count : {1, 3, 4, 16, 17})
        EXPECT_EQ(reuse_of(made("zb_h1", 1, count), std::vector<double>{330752})[0].weight_gradient, 330752) << count;
    // All eight of the only stage are alive between its passes.
    EXPECT_NEAR(reuse_of(made("gpipe", 1, 8), std::vector<double>{10})[0].backward, 80, 1e-9);
}

TEST(profile, a_forecast_is_the_simulation_and_what_surrounds_it) {
    auto p = by_hand();
    p.batches[0].passes.pop_back();
    const auto stages = cut({2, 1});
    // Two stages, one micro-batch: a chain of four passes, each after a transfer or its own worker.
    const double passes = (.001 + .01 + 2) + (.001 + 1 + .3) + (.002 + 2 + .6) + (.002 + .02 + 4);
    const double update = 1e-7 * (384 + 2 * 1024), norm = 3e-8 * (384 + 2 * 1024);
    const auto found = forecast_of(p, made("gpipe", 2, 1), stages, 2);
    EXPECT_NEAR(found.makespan, .1 + passes + 4 * .01 + 2 * .02 + .03 + norm + update, 1e-9);
    EXPECT_NEAR(found.iteration, found.makespan + .5, 1e-12);
}

TEST(profile, updates_within_an_iteration_take_norm_and_old_weights_too) {
    auto p = by_hand();
    p.batches[0].passes.pop_back();
    const program played = made("pipedream", 2, 1);
    const auto stages = cut({2, 1});
    const double first = 384 + 2 * 1024,
                 passes = (.001 + .01 + 2) + (.001 + 1 + .3) + (.002 + 2 + .6) + (.002 + .02 + 4);
    // The first stage's update ends last, behind its own hand-over.
    EXPECT_NEAR(forecast_of(p, played, stages, 2).makespan,
                .1 + passes + 4 * .01 + 2 * .02 + .01 + (3e-8 + 2e-7) * first, 1e-9);
}

TEST(profile, workers_beyond_the_cores_wait_for_one) {
    // Four replicas on two cores: two after two, with the hand-over of four workers.
    auto p = by_hand();
    p.batches[0].passes.pop_back();
    const double stage = (.001 + .01 + 1 + .3) + (.002 + .02 + 2 + .6) + 2 * .03;
    const double own = 384 + 1024 + 272;
    const double reduce = 2 * (1e-5 + 1e-8 * 4 * own), update = 2 * 1e-7 * own, norm = 3e-8 * own;
    EXPECT_NEAR(forecast_of(p, made("data_parallel", 1, 1, "none", 4), cut({1}), 2).makespan,
                1.125 * (.2 + 2 * stage + reduce + .05 + norm + update), 1e-9);
}

TEST(profile, workers_of_several_threads_share_the_cores_by_as_many) {
    const auto seconds = [](int cores, int threads, int workers) {
        auto p = by_hand();
        p.cores = cores;
        p.threads = threads;
        return forecast_of(p, made("data_parallel", 1, 1, "none", workers), cut({1}), 2).makespan;
    };
    for (const int workers : {1, 2, 4}) {
        EXPECT_EQ(seconds(4, 2, workers), seconds(2, 1, workers));
        EXPECT_EQ(seconds(3, 2, workers), seconds(1, 1, workers));
        EXPECT_EQ(seconds(1, 2, workers), seconds(1, 1, workers));
    }
    EXPECT_GT(seconds(2, 2, 2), seconds(2, 1, 2));
}

TEST(profile, text_and_back) {
    auto p = by_hand();
    p.batches[0].passes[0].forward.block = 1.0 / 3;
    p.spread = 0.1;
    p.other_load = 0.25;
    p.threads = 3;
    p.bf16 = true;
    EXPECT_TRUE(read_profile(profile_text(p)) == p);
    const auto c = read_costs(costs_text(costs_of(p, cut({1, 1, 2, 1}), 2, 1, back(0, 4), 4))).each;
    EXPECT_EQ(c.forward.values, costs_of(p, cut({1, 1, 2, 1}), 2, 1, back(0, 4), 4).forward.values);
    EXPECT_EQ(c.reduce.seconds.values, costs_of(p, cut({1, 1, 2, 1}), 2, 1, back(0, 4), 4).reduce.seconds.values);
}

TEST(profile, where_threads_and_precision_are_not_said_there_is_one_in_fp32) {
    std::string text = profile_text(by_hand());
    for (const std::string line : {"\"threads\": 1,", "\"precision\": \"fp32\","}) {
        ASSERT_NE(text.find(line), text.npos);
        text.erase(text.find(line), line.size());
    }
    EXPECT_TRUE(read_profile(text) == by_hand());
}

TEST(profile, files_that_are_none_are_refused) {
    const std::string good = profile_text(by_hand());
    const auto refused = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, text.npos) << from;
        text.replace(at, from.size(), to);
        return refusal_of([&] { read_profile(text); });
    };
    EXPECT_THAT(refusal_of([] { read_profile(""); }), HasSubstr("no valid JSON"));
    EXPECT_THAT(refusal_of([&] { read_profile(good.substr(0, good.size() / 2)); }), HasSubstr("no valid JSON"));
    EXPECT_THAT(refusal_of([] { read_profile(std::string(100000, '[')); }), HasSubstr("too deep"));
    EXPECT_THAT(refusal_of([] { read_profile("[]"); }), HasSubstr("not an object"));
    EXPECT_THAT(refused("chimera.profile", "chimera.costs"), HasSubstr("a profile is needed"));
    EXPECT_THAT(refused("\"version\": 1", "\"version\": 2"), HasSubstr("version is 2"));
    EXPECT_THAT(refused("\"cores\": 2", "\"cores\": 0"), HasSubstr("cores is 0"));
    EXPECT_THAT(refused("\"threads\": 1", "\"threads\": 0"), HasSubstr("threads is 0"));
    EXPECT_THAT(refused("\"fp32\"", "\"fp16\""), HasSubstr("precision is \"fp16\""));
    EXPECT_THAT(refused("\"fp32\"", "16"), HasSubstr("precision"));
    EXPECT_THAT(refused("\"cores\": 2", "\"kores\": 2"), HasSubstr("cores"));
    EXPECT_THAT(refused("\"norm\": 3e-08", "\"norm\": -1"), HasSubstr("norm is -1"));
    EXPECT_THAT(refused("\"norm\": 3e-08", "\"norm\": 1e999"), HasSubstr("JSON"));
    EXPECT_THAT(refused("\"block\": 1.0,", "\"block\": 0,"), HasSubstr("a pass takes time"));
    EXPECT_THAT(refused("\"forward\": 40000.0", "\"forward\": 4000"), HasSubstr("does not ascend by reuse_bytes"));
    EXPECT_THAT(refused("\"forward\": 40000.0", "\"forward\": 0"), HasSubstr("a pass keeps activations"));
    EXPECT_THAT(refused("\"sequences\": 4", "\"sequences\": 2"), HasSubstr("does not ascend by sequences"));
    EXPECT_THAT(refused("\"workers\": 4", "\"workers\": 1"), HasSubstr("does not ascend by workers"));
    EXPECT_THAT(refused("\"heads\": 2,", "\"heads\": 2, \"tails\": 1,"), HasSubstr("tails"));
    EXPECT_THAT(refused("\"embedding\": 384.0", "\"embedding\": \"many\""), HasSubstr("embedding"));
}

}  // namespace
