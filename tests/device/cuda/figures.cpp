// SPDX-License-Identifier: Apache-2.0
// What the GPU suites compute of their measurements.
#include "bench/gpu/suites.hpp"

#include <gtest/gtest.h>

namespace chimera::bench {
namespace {

// NVIDIA's data sheets, dense bf16: half of what is said "with sparsity".
TEST(gpu_figures, names_map_to_peaks) {
    for (const char* name : {"NVIDIA H100 80GB HBM3", "NVIDIA H200", "NVIDIA GH200 480GB"})
        EXPECT_EQ(peak_of(name), 989e12) << name;
    for (const char* name : {"NVIDIA H100 NVL", "NVIDIA H200 NVL"}) EXPECT_EQ(peak_of(name), 835e12) << name;
    EXPECT_EQ(peak_of("NVIDIA H100 PCIe"), 756e12);
    for (const char* name : {"NVIDIA A100-SXM4-80GB", "NVIDIA A100-PCIE-40GB", "NVIDIA A100 80GB PCIe"})
        EXPECT_EQ(peak_of(name), 312e12) << name;
    for (const char* name : {"NVIDIA GeForce RTX 4090", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", ""})
        EXPECT_EQ(peak_of(name), 0) << name;
}

TEST(gpu_figures, shares_of_a_peak_that_is_not_known_are_not_invented) {
    EXPECT_EQ(share(98.9e12, 0.2, 989e12), "50.0 %");
    EXPECT_EQ(share(98.9e12, 0.2, 0), "-");
}

// Product by product: forward once, backward twice, two FLOP for every multiply-add; attention over half the square.
TEST(gpu_figures, flops_of_a_step_are_those_of_its_products) {
    const gpt2_sizes c{.layers = 3, .heads = 2, .channels = 10, .vocabulary = 7, .context = 8};
    const double rows = 24, tokens = 8;
    double sum = 0;
    const auto product = [&](double m, double n, double k) { sum += 3 * 2 * m * n * k; };
    for (int layer = 0; layer < c.layers; ++layer) {
        product(rows, 30, 10), product(rows, 10, 10), product(rows, 40, 10), product(rows, 10, 40);
        for (int i = 0; i < 2; ++i) product(rows, tokens / 2, c.channels);
    }
    product(rows, c.vocabulary, c.channels);
    EXPECT_DOUBLE_EQ(step_flops(c, rows, tokens), sum);
}

TEST(gpu_figures, spreads) {
    const spread s = spread_of({3, 1, 2, 10, 2});
    EXPECT_EQ(s.median, 2);
    EXPECT_EQ(s.relative(), 4.5);
    EXPECT_EQ(spread_of({1, 4, 2, 9}).median, 3);  // as Python's statistics.median
    EXPECT_EQ(spread_of({7}).median, 7);
}

// Product by product, attention over half the square.
TEST(gpu_figures, flops_of_a_llama_block_are_those_of_its_products) {
    const llama_shape s{"", 10, 27, 2, 1};
    const double rows = 24, tokens = 8;
    double sum = 0;
    const auto product = [&](double m, double n, double k) { sum += 3 * 2 * m * n * k; };
    product(rows, 30, 10), product(rows, 10, 10), product(rows, 54, 10), product(rows, 10, 27);
    for (int i = 0; i < 2; ++i) product(rows, tokens / 2, 10);
    EXPECT_DOUBLE_EQ(block_flops(s, rows, tokens), sum);
}

TEST(gpu_figures, texts_are_json_whatever_is_in_them) {
    EXPECT_EQ(quoted("cuDNN 9.19"), "\"cuDNN 9.19\"");
    EXPECT_EQ(quoted("a \"b\" \\ \n c"), "\"a \\\"b\\\" \\\\   c\"");
}

}  // namespace
}  // namespace chimera::bench
