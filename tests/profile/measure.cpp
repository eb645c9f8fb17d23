// SPDX-License-Identifier: Apache-2.0
#include "tests/train/made.hpp"
#include "tests/train/scratch.hpp"

#include <executor/device/cpu/cpu.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/io/profile.hpp>
#include <executor/io/read.hpp>
#include <executor/profile/engine_times.hpp>
#include <executor/profile/measure_profile.hpp>
#include <executor/workers/replicas.hpp>

#include <gmock/gmock.h>

using namespace chimera;
using namespace chimera::executor;
using chimera::test::made;
using chimera::test::refusal_of;
using testing::HasSubstr;

namespace {

/// Of micro-batches of one size, their sequences as long as the model's context.
profile_request for_two_workers(const gpt2_sizes& model, int sequences) {
    profile_request wanted;
    wanted.model = model;
    wanted.tokens = model.context;
    wanted.sequences = {sequences};
    wanted.workers = {2};
    return wanted;
}

TEST(engine_times, are_found_in_the_timeline_that_has_them) {
    // Transfers are the simulator's own; every step begins a hand-over after its core was free, as simulate_fitted draws it.
    const auto program = made("one_f_one_b", 4, 8);
    for (const int cores : {0, 2}) {
        fitted_costs truth;
        truth.each.forward = 1;
        truth.each.backward = 2;
        truth.each.transfer = 0.02;
        truth.each.update = 0.5;
        truth.hand_over = 0.01;
        auto played = simulate_fitted(program, truth, cores);
        for (step& s : played.steps) s.begin += 0.125, s.end += 0.125;
        const auto found = engine_times(std::vector<timeline>{played}, cores);
        EXPECT_EQ(found.workers, 4);
        EXPECT_NEAR(found.start, 0.135, 1e-9);
        // Where cores are shared, an end that falls between two others' hand-over makes theirs look shorter.
        EXPECT_NEAR(found.hand_over, 0.01, cores > 0 ? 5e-4 : 1e-9) << cores;
        EXPECT_NEAR(found.transfer, 0.03, 1e-9) << cores;
    }
}

TEST(engine_times, one_step_held_up_among_many_does_not_count) {
    const auto program = made("gpipe", 1, 20);
    fitted_costs truth;
    truth.each.forward = 1;
    truth.each.backward = 2;
    truth.hand_over = 0.01;
    auto played = simulate_fitted(program, truth, 0);
    for (std::size_t i = 30; i < played.steps.size(); ++i) played.steps[i].begin += 5, played.steps[i].end += 5;
    EXPECT_NEAR(engine_times(std::vector<timeline>{played}, 0).hand_over, 0.01, 1e-9);
}

TEST(measure_profile, finds_what_the_stages_say_of_themselves_and_some_time_for_each) {
    profile_request wanted;
    wanted.model = {.layers = 3, .heads = 2, .channels = 32, .vocabulary = 300, .context = 32};
    wanted.tokens = 24;
    wanted.sequences = {1, 3};
    wanted.workers = {2, 3};
    wanted.seconds = 0.3;
    const profile found = measure_profile(wanted);
    EXPECT_TRUE(read_profile(profile_text(found)) == found);
    ASSERT_EQ(found.batches.size(), 2u);
    const auto program = made("gpipe", 1, 1);
    const auto layers = stage_layers(wanted.model, 1);
    const auto on = make_host_backend();
    replicas copies(*on, program, wanted.model, layers, {3, 24}, 1);
    const auto* whole = copies.lookup()(0, 0);
    const profiled_batch& b = found.batches[1];
    EXPECT_EQ(b.sequences, 3);
    EXPECT_EQ(b.activations.embedding + 3 * b.activations.block + b.activations.head,
              static_cast<double>(whole->stash_bytes(false)));
    EXPECT_EQ(found.parameters.embedding + 3 * found.parameters.block + found.parameters.head,
              static_cast<double>(copies.lookup()(0, 0)->gradients().size()));
    EXPECT_EQ(b.boundary_bytes, 4 * 3 * 24 * 32);
    for (const profiled_batch& each : found.batches) {
        ASSERT_EQ(each.engine.size(), 2u);
        EXPECT_EQ(each.crowded.empty(), found.cores >= 3);
        EXPECT_EQ(each.engine[1].workers, 3);
        for (const profiled_passes& p : each.passes) {
            // Which takes longer is for a quiet machine to say: bench_predict holds profiles against runs.
            for (const by_kind* pass : {&p.forward, &p.backward, &p.input_gradient, &p.weight_gradient})
                EXPECT_GT(pass->block, 0);
        }
    }
    EXPECT_GT(found.update, 0);
    EXPECT_GT(found.reduce_byte, 0);
}

TEST(measure_profile, threads_and_precision_are_those_asked_for) {
    auto wanted = for_two_workers({.layers = 1, .heads = 2, .channels = 32, .vocabulary = 64, .context = 16}, 2);
    wanted.cores = 2;
    wanted.threads = 2;
    wanted.seconds = 0.1;
    profile found = measure_profile(wanted);
    EXPECT_EQ(found.threads, 2);
    EXPECT_EQ(found.at_once(), 1);
    EXPECT_FALSE(found.bf16);
    EXPECT_EQ(found.batches[0].boundary_bytes, 4 * 2 * 16 * 32);
    const double kept = found.batches[0].activations.block;
    wanted.bf16 = true;
    if (!cpu_has_bf16()) {
        EXPECT_THAT(refusal_of([&] { measure_profile(wanted); }), HasSubstr("does not compute in bf16"));
        return;
    }
    found = measure_profile(wanted);
    EXPECT_TRUE(found.bf16);
    EXPECT_EQ(found.batches[0].boundary_bytes, 2 * 2 * 16 * 32);
    EXPECT_LT(found.batches[0].activations.block, 0.6 * kept);
}

TEST(measure_profile, what_does_not_fit_into_memory_is_refused_at_once) {
    const auto wanted =
        for_two_workers({.layers = 3, .heads = 16, .channels = 16384, .vocabulary = 50257, .context = 2048}, 64);
    EXPECT_THAT(refusal_of([&] { measure_profile(wanted); }), HasSubstr("the measurement needs"));
}

}  // namespace
