// SPDX-License-Identifier: Apache-2.0
// Seconds of a layer, by hand.
#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/calibrate/predictor.hpp>
#include <chimera/plan/evaluate.hpp>

#include <chimera/model/bert.hpp>
#include <chimera/model/llama.hpp>
#include <chimera/model/t5.hpp>
#include <chimera/model/vit.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

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
    on.inside.latency = 1e-4;
    on.exchange_latency = 1e-3;
    on.inside.bandwidth = 1e9;
    on.collective = 5;
    // No product is listed: FLOPs run at the rate of large ones.
    const layer_seconds s = seconds_of(one_block(), on, 4, 2);
    const double traffic = 2 * 4 * (2e6 + 8e6 / 2) / 1e9;
    const double exchange = 2 * (1e-3 + 2e-4) + 2.0 * 1 / 2 * 4 * 2e6 / 5e9;
    EXPECT_NEAR(s.forward, 4 * 6e9 / 2e12 + traffic + exchange, 1e-12);
    EXPECT_NEAR(s.input_gradient, 4 * 8e9 / 2e12 + traffic + exchange, 1e-12);
    EXPECT_NEAR(s.weight_gradient, 4 * 4e9 / 2e12, 1e-12);
    EXPECT_NEAR(s.selective, 4 * 2e9 / 2e12 + 2 * 4 * 3e6 / 2 / 1e9, 1e-12);
}

/// The longer of launch and work, and a little more where they are near each other.
TEST(LayerTime, LaunchIsTheLeast) {
    hardware on = plain;
    on.launch = 0.01;
    on.launch_slices = 0.5;
    const auto more = [](double shorter, double longer) { return longer * (1 + std::pow(shorter / longer, 6) / 8); };
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 1, 1).forward, more(0.006, 0.01));
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 1, 3).forward, more(0.002, 0.02));
    EXPECT_DOUBLE_EQ(seconds_of(one_block(), on, 10, 1).forward, more(0.01, 0.06));
    EXPECT_NEAR(seconds_of(one_block(), on, 1e-6, 1).forward, 0.01, 1e-15);
    layer head = one_block();
    head.kind = layer_kind::head;
    EXPECT_DOUBLE_EQ(seconds_of(head, on, 1, 1).forward, 0.006);  // launch_ends, which is 0
}

/// Time of a product by trying every tile one by one: each wave runs as many tiles as there are multiprocessors.
double by_waves(int m, int n, double k, int multiprocessors, int rows, int columns, double flops) {
    int tiles = 0;
    for (int i = 0; i < m; i += rows)
        for (int j = 0; j < n; j += columns) ++tiles;
    int waves = 0;
    for (int done = 0; done < tiles; done += multiprocessors) ++waves;
    return waves * multiprocessors * (2.0 * rows * columns * k / flops);
}

TEST(LayerTime, ProductsRunInWavesOfTheBestTile) {
    hardware on = plain;
    on.tile_rows = 64;
    on.tile_columns = 32;
    std::mt19937 random(3);
    int shrunk = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto draw = [&](int most) { return 1 + static_cast<int>(random() % static_cast<unsigned>(most)); };
        const int m = draw(700), n = draw(700), k = draw(500), count = draw(30);
        on.multiprocessors = count;
        const double whole = by_waves(m, n, k, count, 64, 32, 1e12);
        const double best = std::min({whole, by_waves(m, n, k, count, 32, 32, 1e12) / 0.85,
                                      by_waves(m, n, k, count, 32, 16, 1e12) / (0.85 * 0.85)});
        EXPECT_NEAR(detail::product_seconds(m, n, k, 1, on, {2, 2, on.flops}), best, 1e-12 * best);
        shrunk += best < whole ? 1 : 0;
    }
    EXPECT_GT(shrunk, 200);
    on.memory_bandwidth = 1e6;
    EXPECT_DOUBLE_EQ(detail::product_seconds(7, 11, 13, 2, on, {2, 2, on.flops}),
                     2 * 2 * (7 * 11 + 7 * 13 + 11 * 13) / 1e6);
}

/// Without multiprocessors a transformer's products are its FLOPs, however it is sliced, if sizes divide.
TEST(LayerTime, ProductsAreTheFlopsOfTheirLayers) {
    for (const model& network : {gpt2({.layers = 1, .heads = 8, .channels = 512, .vocabulary = 8192, .context = 256}),
                                 llama(llama_2_70b), t5(t5_base), bert(bert_48), vit()}) {
        double flop = 0, seconds = 0;
        for (const layer& l : network.layers) {
            flop += l.forward + l.input_gradient + l.weight_gradient;
            const pass_seconds s = product_seconds(l, plain, 3, 1);
            seconds += s.forward + s.input_gradient + s.weight_gradient;
            EXPECT_NEAR(s.selective, 3 * l.selective_forward / 1e12, 1e-9 * s.forward);
        }
        EXPECT_NEAR(seconds, 3 * flop / 1e12, 1e-9 * seconds) << network.name.view();
    }
}

/// A head of 50,257 words is slow where one worker holds it, and padded where slices share it.
TEST(LayerTime, UnalignedRowsAreSlow) {
    hardware on = plain;
    on.unaligned = 3;
    const auto head = [&](int vocabulary, int slices) {
        const model network = gpt2({.layers = 1, .heads = 2, .channels = 64, .vocabulary = vocabulary, .context = 32});
        return product_seconds(network.layers.back(), on, 2, slices).forward;
    };
    EXPECT_NEAR(head(50257, 1) / head(50256, 1), 3.0 * 50257 / 50256, 1e-9);
    EXPECT_NEAR(head(50257, 2), head(50272, 2), 1e-15);  // 25,128.5 words a slice become 25,136
    EXPECT_NEAR(head(50257, 2) / head(50256, 2), 25136.0 / 25128, 1e-9);
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

double seconds_on(const hardware& on, reduction_start mode, int stages, int width) {
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
    on.between.latency = 0;
    for (const int width : {4, 16}) {
        on.reduction_blocking = 0;
        const double eager = seconds_on(on, reduction_start::eager, 4, width),
                     best = seconds_on(on, reduction_start::eager_opt, 4, width);
        const double lazy = seconds_on(on, reduction_start::lazy, 4, width);
        on.reduction_blocking = 0.8;
        EXPECT_GT(seconds_on(on, reduction_start::eager, 4, width),
                  seconds_on(on, reduction_start::eager_opt, 4, width));
        EXPECT_GT(seconds_on(on, reduction_start::eager, 4, width), eager);
        EXPECT_GE(seconds_on(on, reduction_start::eager_opt, 4, width), best);
        EXPECT_DOUBLE_EQ(seconds_on(on, reduction_start::lazy, 4, width), lazy);
    }
}

/// Without a drain, a micro-batch goes down and up while as many follow as there are stages. Where messages block
/// their senders, an inner stage sends two of them a micro-batch, which takes longer.
TEST(Continuous, WaitsForRoundTrips) {
    measurement row;
    row.with.schedule = {.which = family::pipedream_2bw, .stages = 4, .micro_batches = 8, .update_every = 8};
    row.with.continuous = true;
    row.nodes = 4;
    predictor by({bert(bert_48)}, {row});
    hardware on = p100_nodes;
    on.blocking = on.reduction_blocking = on.between.latency = 0;
    const double near = by.seconds(0, on);
    on.between.latency = 10;  // longer than all passes
    EXPECT_NEAR(by.seconds(0, on), 8.0 / 4 * 6 * 10, 2 * near);
    on.blocking = 1;
    EXPECT_NEAR(by.seconds(0, on), 8.0 * 2 * 10, 2 * near);
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
