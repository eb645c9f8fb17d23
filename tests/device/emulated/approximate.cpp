// SPDX-License-Identifier: Apache-2.0

// What bf16 computes by approximate instructions, at every number of bf16, in float before it is rounded, where the instructions are
// as wrong as they may be.

#include <executor/device/cuda/kernels/approximate.cuh>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

constexpr double gelu_factor = 0.79788456080286535588, gelu_cubic = 0.044715;  // √(2/π)
/// Below it a power of 2 is 0.
constexpr double smallest = 0x1p-126;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_inner(double x) { return 2 * gelu_factor * (x + gelu_cubic * x * x * x); }
double gelu(double x) { return x * sigmoid(gelu_inner(x)); }
double gelu_slope(double x) {
    const double inner = gelu_inner(x), both = sigmoid(inner) * sigmoid(-inner);
    return sigmoid(inner) + (both == 0 ? 0 : x * both * 2 * gelu_factor * (1 + 3 * gelu_cubic * x * x));
}

template <class F>
void at_every_number(F f) {
    for (const errors way : {errors::up, errors::down, errors::mixed}) {
        approximate_errors = way;
        for (std::uint32_t i = 0; i < 1u << 16; ++i)
            if (const float x = gpu::float_of(i << 16); std::isfinite(x)) f(x);
    }
    approximate_errors = errors::mixed;
}

void expect_within(double actual, double expected, double allowed, float x) {
    ASSERT_LE(std::abs(actual - expected), allowed) << actual << " against " << expected << " at " << x;
}

/// Exponents up to 126 are off by two roundings, results by three: (2 · 126 · ln 2 + 2 · 3) 2⁻²⁴.
constexpr double relative = 0x1p-16;

TEST(approximate, sigmoid) {
    at_every_number([](float x) {
        expect_within(gpu::sigmoid<bf16>(x), sigmoid(x), relative * sigmoid(x) + smallest, x);
        const gpu::sigmoids both = gpu::both_sigmoids<bf16>(x);
        expect_within(both.of_x, sigmoid(x), relative * sigmoid(x) + smallest, x);
        expect_within(both.rest, sigmoid(-static_cast<double>(x)),
                      relative * sigmoid(-static_cast<double>(x)) + smallest, x);
    });
}

TEST(approximate, gelu) {
    at_every_number([](float x) {
        const double y = gelu(x);
        expect_within(gpu::gelu<bf16>(x), y, relative * std::abs(y) + smallest * std::abs(static_cast<double>(x)), x);
    });
}

/// It crosses 0, so the bound is absolute, where the largest is 1.13: exponents below 24 count, (2 · 24 · ln 2 + 2 · 3) 2⁻²⁴ times
/// what is less than 1/4 there.
TEST(approximate, gelu_slope) {
    at_every_number([](float x) {
        const float slope = gpu::gelu_slope<bf16>(x);
        if (std::abs(x) < 0x1p64f)
            expect_within(slope, gelu_slope(x), 0x1p-20, x);
        else  // a run that has diverged, as in fp32
            ASSERT_TRUE(std::isnan(slope)) << x;
    });
}

/// Once rounded, nearly every result is the nearest number of bf16, and the others are next to it.
TEST(approximate, rounded_results_are_near) {
    at_every_number([](float x) {
        const double y = gelu(x), step = std::max(std::abs(y) * 0x1p-8, 0x1p-133);
        expect_within(number(gpu::narrow(gpu::gelu<bf16>(x))), y,
                      (1 + 0x1p-7) * step + smallest * std::abs(static_cast<double>(x)), x);
    });
}

/// fp32 stays as accurate as its functions, and takes no approximate instruction.
TEST(approximate, fp32_is_not) {
    approximate_count = 0;
    at_every_number([](float x) {
        if (std::abs(x) > 1e4f) return;
        const double y = gelu(x);
        expect_within(gpu::gelu<float>(x), y, 0x1p-21 * (std::abs(y) + std::abs(static_cast<double>(x)) / 4), x);
        expect_within(gpu::gelu_slope<float>(x), gelu_slope(x), 0x1p-19, x);
        expect_within(gpu::sigmoid<float>(x), sigmoid(x), 0x1p-16 * sigmoid(x) + smallest, x);
        gpu::both_sigmoids<float>(x);
        gpu::power_of_e<float>(x);
    });
    EXPECT_EQ(approximate_count, 0u);
    gpu::gelu<bf16>(1);
    EXPECT_EQ(approximate_count, 2u);
}

}  // namespace
}  // namespace chimera::emulated
