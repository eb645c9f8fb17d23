// SPDX-License-Identifier: Apache-2.0
// Linear products in 8 bits: their seconds by tiles counted one by one, their memory tensor by tensor.
#include <chimera/calibrate/hardware_catalogue.hpp>
#include <chimera/model/catalogue.hpp>
#include <chimera/plan/layer_time.hpp>
#include <chimera/plan/make_plan.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <random>
#include <string>

namespace chimera {
namespace {

using testing::HasSubstr;

/// Random sizes, seldom round ones.
class sizes_of_test {
public:
    int draw(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    bool coin() { return draw(0, 1) == 1; }

private:
    std::mt19937 random_{8};
};

/// Seconds of the waves of one tile size, tile by tile; `size` times the work of a whole tile's speed.
double waves(int m, int n, double k, const hardware& on, double rows, double columns, double flops) {
    int tiles = 0, waves = 0;
    for (double i = 0; i < m; i += rows)
        for (double j = 0; j < n; j += columns) ++tiles;
    for (; tiles > 0; tiles -= static_cast<int>(on.multiprocessors)) ++waves;
    return waves * on.multiprocessors * 2 * rows * columns * k / flops;
}

/// Seconds of a product whose operands have `in` bytes and whose result has `out`.
double product(int m, int n, int k, const hardware& on, double flops, double in, double out) {
    const double r = on.tile_rows, c = on.tile_columns;
    const double best = std::min({waves(m, n, k, on, r, c, flops), waves(m, n, k, on, r / 2, c, flops) / 0.85,
                                  waves(m, n, k, on, r / 2, c / 2, flops) / (0.85 * 0.85)});
    const double bytes = in * m * k + in * k * n + out * m * n;
    return std::max(best, bytes / on.memory_bandwidth);
}

hardware drawn_hardware(sizes_of_test& of) {
    hardware on;
    on.flops = 1e12 * of.draw(1, 9);
    on.fp8_flops = 1e12 * of.draw(10, 19);
    on.memory_bandwidth = 1e9 * of.draw(1, 3000);
    on.multiprocessors = of.draw(1, 30);
    on.tile_rows = 64;
    on.tile_columns = 32;
    on.unaligned = 3;
    return on;
}

TEST(Fp8, ProductsTakeWavesAndCasts) {
    sizes_of_test of;
    int slow = 0;
    for (int i = 0; i < 500; ++i) {
        const hardware on = drawn_hardware(of);
        const int rows = of.draw(1, 300), samples = of.draw(1, 3), slices = of.draw(1, 3);
        const int inputs = of.draw(1, 40) * (of.coin() ? 16 : 1),
                  outputs = slices * of.draw(1, 20) * (of.coin() ? 16 : 1);
        layer one;
        one.products.add({rows, inputs, outputs, 0, product_slice::outputs, false, true});
        const double flop = 2.0 * rows * inputs * outputs;
        one.forward = one.input_gradient = one.weight_gradient = flop;
        const int m = samples * rows, n = outputs / slices, k = inputs;
        const double longer = n % 16 != 0 || k % 16 != 0 ? 3 : 1;
        slow += longer > 1 ? 1 : 0;
        const double cast_x =
            m * (2.0 * k + 2 * k) / on.memory_bandwidth;  // 16 bits read, 8 written by rows and columns
        const double cast_dy = m * (2.0 * n + 2 * n) / on.memory_bandwidth;
        const pass_seconds found = product_seconds(one, on, samples, slices);
        const auto near = [](double a, double b) { EXPECT_NEAR(a / b, 1, 1e-12); };
        near(found.forward, longer * product(m, n, k, on, on.fp8_flops, 1, 2) + cast_x);
        near(found.input_gradient, longer * product(m, k, n, on, on.fp8_flops, 1, 2) + cast_dy);
        near(found.weight_gradient, longer * product(k, n, m, on, on.fp8_flops, 1, 2));
        one.products.all[0].fp8 = false;
        const double odd = n % 8 != 0 || k % 8 != 0 ? 3 : 1;
        near(product_seconds(one, on, samples, slices).forward, odd * product(m, n, k, on, on.flops, 2, 2));
    }
    EXPECT_GT(slow, 100);
    EXPECT_LT(slow, 450);
}

/// A slice of 64.5 numbers is padded to 16 bytes: 72 numbers of 16 bits, 80 of 8.
TEST(Fp8, SlicesArePaddedTo16Numbers) {
    hardware on;
    on.fp8_flops = 2e12;
    layer one;
    one.products.add({5, 32, 129, 0, product_slice::outputs});
    one.forward = 2.0 * 5 * 32 * 129;
    EXPECT_NEAR(product_seconds(one, on, 1, 2).forward, 2.0 * 5 * 32 * 72 / 1e12, 1e-20);
    one.products.all[0].fp8 = true;
    EXPECT_NEAR(product_seconds(one, on, 1, 2).forward, 2.0 * 5 * 32 * 80 / 2e12, 1e-20);
}

double sum(std::initializer_list<double> all) { return std::accumulate(all.begin(), all.end(), 0.0); }

void expect_kept(const layer& found, double divided, double whole, double core) {
    EXPECT_DOUBLE_EQ(found.activations, divided + whole + core) << found.name.view();
    EXPECT_DOUBLE_EQ(found.selective, divided + whole) << found.name.view();
    EXPECT_DOUBLE_EQ(found.replicated, whole) << found.name.view();
}

/// Bytes that attention's core keeps: softmax, its mask and the dropped-out softmax; fused, a row's log-sum.
double core_of(const keeping& how, double heads, double rows, double keys) {
    const double softmax = heads * rows * keys;
    return how.fused_attention
               ? 0
               : how.bytes.activation * softmax + (how.dropout ? softmax + how.bytes.activation * softmax : 0);
}

TEST(Fp8, ALlamaBlockKeepsCastsTensorByTensor) {
    sizes_of_test of;
    for (int i = 0; i < 200; ++i) {
        const int shared = of.draw(1, 4), heads = shared * of.draw(1, 3), size = of.draw(3, 19);
        const double h = heads * size, kv = shared * size, f = of.draw(5, 99), s = of.draw(2, 77);
        const keeping how{of.coin() ? precision{} : single_precision, of.coin(), of.coin(), true};
        const double b = how.bytes.activation, mask = how.dropout ? s * h : 0;
        const model made = llama({.layers = 2,
                                  .heads = heads,
                                  .shared_heads = shared,
                                  .channels = heads * size,
                                  .inner = static_cast<int>(f),
                                  .vocabulary = 100,
                                  .context = static_cast<int>(s),
                                  .how = how});
        const double norms = 2 * b * s * h;
        const double inputs =
            s * h + s * h;  // casts that queries, keys, values and the MLP's factors are computed from
        const double mixed = s * h + (how.fused_attention ? b * s * h : 0);  // cast of the core's output
        const double divided = sum({b * s * h, 2 * b * s * kv, mixed, 2 * b * s * f, s * f});
        const double log_sums = how.fused_attention ? 4.0 * heads * s : 0;
        expect_kept(made.layers[1], divided + log_sums, norms + inputs + 2 * mask, core_of(how, heads, s, s));
        EXPECT_DOUBLE_EQ(made.layers[2].activations, made.layers[1].activations);
    }
}

TEST(Fp8, OtherBlocksKeepCastsTensorByTensor) {
    sizes_of_test of;
    for (int i = 0; i < 200; ++i) {
        const int heads = of.draw(1, 4), size = of.draw(3, 9);
        const double h = heads * size, f = of.draw(5, 99), s = of.draw(2, 30), r = s + of.draw(1, 20);
        const keeping how{{}, of.coin(), of.coin(), true};
        const double mask = how.dropout ? 1 : 0, log_sum = how.fused_attention ? 4.0 * heads : 0;
        const double mixed = s * h * (how.fused_attention ? 3 : 1);
        const layer block = gpt2({.layers = 1,
                                  .heads = heads,
                                  .channels = heads * size,
                                  .vocabulary = 64,
                                  .context = static_cast<int>(s),
                                  .how = how})
                                .layers[1];
        const double gelu = 2 * 4 * s * h + 4 * s * h;  // its input, the cast of its output
        expect_kept(block, 3 * 2 * s * h + mixed + gelu + log_sum * s, 2 * 2 * s * h + 2 * s * h + 2 * mask * s * h,
                    core_of(how, heads, s, s));
        const layer decoder = t5({.layers = 1,
                                  .heads = heads,
                                  .head_size = size,
                                  .channels = heads * size,
                                  .inner = static_cast<int>(f),
                                  .vocabulary = 64,
                                  .tokens = static_cast<int>(r),
                                  .targets = static_cast<int>(s),
                                  .how = how})
                                  .layers[3];
        const double own = 3 * 2 * s * h + mixed, cross = 2 * s * h + 2 * 2 * r * h + mixed;
        const double relu = 2 * s * f + s * f + mask * s * f;  // its output, the cast of it, a mask
        const double whole =
            3 * 2 * s * h + 3 * s * h + r * h + 3 * mask * s * h;  // r · h: the cast of the encoder's rows
        expect_kept(decoder, own + cross + relu + 2 * log_sum * s, whole,
                    core_of(how, heads, s, s) + core_of(how, heads, s, r));
    }
}

/// Bytes and seconds of everything else are those of 16 bits.
TEST(Fp8, LeavesCoreHeadAndEmbeddingAlone) {
    for (const char* name : {"gpt2-124m", "llama-3-8b", "bert-large", "t5-small", "vit-b-16"}) {
        const model plain = *find_model(name), low = *find_model(name, {.fp8 = true});
        EXPECT_FALSE(uses_fp8(plain));
        EXPECT_TRUE(uses_fp8(low));
        EXPECT_EQ(flops(plain), flops(low));
        EXPECT_EQ(parameters(plain), parameters(low));
        for (std::size_t i = 0; i < plain.layers.size(); ++i) {
            const layer &before = plain.layers[i], &after = low.layers[i];
            const bool block = before.kind == layer_kind::block;
            EXPECT_EQ(before.products == after.products, !block) << name << ' ' << i;
            EXPECT_EQ(before.activations != after.activations, block) << name << ' ' << i;
            for (std::int32_t k = 0; k < after.products.count; ++k) {
                const matrix_product& one = after.products.all[static_cast<std::size_t>(k)];
                EXPECT_EQ(one.fp8, block && one.copies == 0) << name << ' ' << i;
            }
            EXPECT_EQ(before.exchanged, after.exchanged);
            EXPECT_EQ(before.output, after.output);
        }
    }
    EXPECT_THROW((void)find_model("resnet-20", {.fp8 = true}), chimera_error);
}

TEST(Fp8, HardwareWithoutItIsRefused) {
    const model low = *find_model("llama-2-7b", {.fp8 = true});
    for (const catalogued_hardware& one : hardware_catalogue) {
        const hardware on = numbers_of(one);
        const std::string name(one.name);
        const bool old = name.starts_with("P100") || name.starts_with("V100") || name.find("A100") != std::string::npos;
        EXPECT_EQ(on.fp8_flops == 0, old) << name;
        cluster machines{.nodes = 1, .workers_per_node = 8, .each = on};
        plan_request asked{.samples = 8, .families = {family::one_f_one_b}, .top = 1};
        plan_cache memory;
        if (!old) {
            EXPECT_FALSE(make_plan(low, machines, asked, memory).ranking.empty()) << name;
            continue;
        }
        try {
            (void)make_plan(low, machines, asked, memory);
            ADD_FAILURE() << name;
        } catch (const chimera_error& e) {
            EXPECT_THAT(e.what(), HasSubstr("no products in 8 bits (fp8_flops is missing)")) << name;
        }
        EXPECT_THROW((void)seconds_of(low.layers[1], on, 1, 1), chimera_error) << name;
        EXPECT_NO_THROW((void)seconds_of(low.layers[0], on, 1, 1)) << name;
    }
}

TEST(Fp8, SpeedGoesWithTheHardware) {
    const model plain = *find_model("llama-3-8b"), low = *find_model("llama-3-8b", {.fp8 = true});
    hardware on = numbers_of(*find_in_catalogue("H100"));
    const auto seconds = [&](const model& of) { return product_seconds(of.layers[1], on, 1, 1).weight_gradient; };
    EXPECT_NEAR(seconds(plain) / seconds(low), on.fp8_flops / on.flops, 1e-9);
    on.fp8_flops = on.flops;
    EXPECT_NEAR(seconds(plain) / seconds(low), 1, 1e-9);
}

}  // namespace
}  // namespace chimera
