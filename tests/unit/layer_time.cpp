// SPDX-License-Identifier: Apache-2.0
// Seconds of a layer, by hand.
#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/calibrate/predictor.hpp>
#include <chimera/plan/evaluate.hpp>

#include <chimera/model/bert.hpp>

#include <gtest/gtest.h>

namespace chimera {
namespace {

constexpr layer one_block() {
    layer out;
    out.forward = 6e9;
    out.input_gradient = 8e9;
    out.weight_gradient = 4e9;
    out.selective_forward = 2e9;
    out.activations = 10e6;
    out.selective = 7e6;
    out.replicated = 2e6;
    out.output = 1e6;
    out.exchanged = 2e6;
    return out;
}

constexpr hardware plain{.flops = 1e12};

static_assert(seconds_of(one_block(), plain, 2, 1).forward == 2 * 6e9 / 1e12);
static_assert(seconds_of(one_block(), plain, 2, 4).weight_gradient == 2 * 4e9 / 4e12);

TEST(LayerTime, WorkAddsUp) {
    hardware on = plain;
    on.memory_bandwidth = 1e9;
    on.half_output = 3e6;
    on.exchange_latency = 1e-3;
    on.inside.bandwidth = 1e9;
    on.collective = 5;
    // 4 samples on 2 slices: an output of 2 MB a slice, so products take 1 + 3/2 · (1 + 3/2)/4 times as long.
    const layer_seconds s = seconds_of(one_block(), on, 4, 2);
    const double traffic = 2 * 4 * (2e6 + 8e6 / 2) / 1e9;
    const double exchange = 2 * 1e-3 + 2.0 * 1 / 2 * 4 * 2e6 / 5e9;
    EXPECT_NEAR(s.forward, 4 * 6e9 / 2e12 * 1.9375 + traffic + exchange, 1e-12);
    EXPECT_NEAR(s.input_gradient, 4 * 8e9 / 2e12 * 1.9375 + traffic + exchange, 1e-12);
    EXPECT_NEAR(s.weight_gradient, 4 * 4e9 / 2e12 * 1.9375, 1e-12);
    EXPECT_NEAR(s.selective, 4 * 2e9 / 2e12 * 1.9375 + 2 * 4 * 3e6 / 2 / 1e9, 1e-12);
}

TEST(LayerTime, LaunchIsTheLeast) {
    hardware on = plain;
    on.launch = 0.01;
    on.launch_slices = 0.5;
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 1, 1).forward, 0.01);
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 1, 3).forward, 0.01 + 2 * 0.5 * (0.01 - 0.002));
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 5, 3).forward, 0.01);
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 10, 1).forward, 0.06);
    layer head = one_block();
    head.kind = layer_kind::head;
    EXPECT_DOUBLE_EQ(seconds_of(head, on, 1, 1).forward, 0.006);  // launch_ends, which is 0
    on.whole_vocabulary = 3;
    EXPECT_DOUBLE_EQ(seconds_of(head, on, 1, 1).forward, 0.018);
    EXPECT_DOUBLE_EQ(seconds_of(head, on, 1, 2).forward, 0.003);
}

TEST(LayerTime, Reductions) {
    EXPECT_DOUBLE_EQ(reduction_seconds(8e9, 8, {0.1, 1e9}), 2 * 3 * 0.1 + 2.0 * 7 / 8 * 8);
    EXPECT_DOUBLE_EQ(reduction_seconds(8e9, 1, {0.1, 1e9}), 0);
}

TEST(HardwareNumbers, NamesFindTheirFields) {
    hardware all;
    double value = 1;
    for (const hardware_number& number : hardware_numbers) number.of(all) = ++value;
    EXPECT_EQ(all.flops, 2);
    EXPECT_EQ(all.node_bandwidth, value);
    EXPECT_EQ(find_hardware_number("between.latency")->of(all), all.between.latency);
    EXPECT_EQ(find_hardware_number("bandwidth"), nullptr);
}

double seconds_on(const hardware& on, sync mode, int stages, int width) {
    measurement row;
    row.with.schedule = {.which = family::bidirectional, .stages = stages, .micro_batches = 2 * stages};
    row.with.width = width;
    row.with.micro_batch = 8;
    row.with.synchronisation = mode;
    row.nodes = stages * width;
    predictor by({bert(bert_48)}, {row});
    return by.seconds(0, on);
}

/// Reductions that block their workers: eager ones lose where eager_opt ones find a bubble; lazy ones do not care.
TEST(Blocking, ReductionsCostPassesWhereNoBubbleIs) {
    hardware on = p100_nodes;
    on.collective = 7;
    for (const int width : {4, 16}) {
        on.reduction_blocking = 0;
        const double eager = seconds_on(on, sync::eager, 4, width), best = seconds_on(on, sync::eager_opt, 4, width);
        const double lazy = seconds_on(on, sync::lazy, 4, width);
        on.reduction_blocking = 0.8;
        EXPECT_GT(seconds_on(on, sync::eager, 4, width), seconds_on(on, sync::eager_opt, 4, width));
        EXPECT_GT(seconds_on(on, sync::eager, 4, width), eager);
        EXPECT_GE(seconds_on(on, sync::eager_opt, 4, width), best);
        EXPECT_DOUBLE_EQ(seconds_on(on, sync::lazy, 4, width), lazy);
    }
}

/// With one stage after the other and nothing overlapping, blocking moves time from the link to the sender: same sum.
TEST(Blocking, MessagesTakeTheirSendersTime) {
    measurement row;
    row.with.schedule = {.which = family::one_f_one_b, .stages = 4, .micro_batches = 1};
    row.nodes = 4;
    predictor one({bert(bert_48)}, {row});
    row.with.schedule.micro_batches = 16;
    predictor many({bert(bert_48)}, {row});
    hardware on = p100_nodes;
    on.between.bandwidth = 1e7;
    on.blocking = 0;
    const double free_one = one.seconds(0, on), free_many = many.seconds(0, on);
    on.blocking = 1;
    EXPECT_NEAR(one.seconds(0, on), free_one, 1e-9 * free_one);
    EXPECT_GT(many.seconds(0, on), 1.05 * free_many);
}

}  // namespace
}  // namespace chimera
