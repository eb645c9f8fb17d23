// SPDX-License-Identifier: Apache-2.0
// Damped least squares against certified solutions (NIST, Statistical Reference Datasets) and known minima.
#include <chimera/calibrate/least_squares.hpp>

#include <gtest/gtest.h>

#include <array>

namespace chimera {
namespace {

/// y = b1 (1 - exp(-b2 x)): NIST's Misra1a, lower difficulty. Both starts that NIST gives.
TEST(LeastSquares, Misra1a) {
    constexpr std::array y{10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
                           44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78};
    constexpr std::array x{77.6,  114.9, 141.1, 190.8, 239.9, 289.0, 332.8,
                           378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0};
    const auto residuals = [&](std::span<const double> b, std::span<double> r) {  // b2 in units of its logarithm
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[0] * (1 - std::exp(-std::exp(b[1]) * x[i])) - y[i];
    };
    for (const std::array<double, 2> start : {std::array{500.0, 1e-4}, std::array{250.0, 5e-4}}) {
        const fit_result found = least_squares(residuals, y.size(), {start[0], std::log(start[1])});
        EXPECT_TRUE(found.converged);
        EXPECT_NEAR(found.at[0], 2.3894212918e+02, 1e-4);
        EXPECT_NEAR(std::exp(found.at[1]), 5.5015643181e-04, 1e-9);
        EXPECT_NEAR(2 * found.cost, 1.2455138894e-01, 1e-9);
        EXPECT_NEAR(std::sqrt(found.covariance[0]), 2.7070075241, 1e-3);
        EXPECT_NEAR(std::sqrt(found.covariance[3]) * std::exp(found.at[1]), 7.2668688436e-06, 1e-8);
    }
}

TEST(LeastSquares, RosenbrocksValley) {
    const auto residuals = [](std::span<const double> x, std::span<double> r) {
        r[0] = 10 * (x[1] - x[0] * x[0]);
        r[1] = 1 - x[0];
    };
    const fit_result found = least_squares(residuals, 2, {-1.2, 1.0});
    EXPECT_NEAR(found.at[0], 1, 1e-6);
    EXPECT_NEAR(found.at[1], 1, 1e-6);
}

/// A straight line has a closed form, and so have the variances of its two numbers.
TEST(LeastSquares, StraightLine) {
    constexpr std::array x{0.0, 1.0, 2.0, 3.0, 4.0};
    constexpr std::array y{1.0, 2.9, 5.2, 6.9, 9.0};
    const auto residuals = [&](std::span<const double> b, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[0] + b[1] * x[i] - y[i];
    };
    const fit_result found = least_squares(residuals, 5, {0, 0});
    EXPECT_NEAR(found.at[1], 2.0, 1e-8);  // Σ (x - 2) y / 10
    EXPECT_NEAR(found.at[0], 1.0, 1e-8);
    const double variance = 2 * found.cost / 3;
    EXPECT_NEAR(found.covariance[3], variance / 10, 1e-9);
    EXPECT_NEAR(found.covariance[0], variance * (0.2 + 4.0 / 10), 1e-9);
    EXPECT_NEAR(found.covariance[1], -variance * 2 / 10, 1e-9);
}

TEST(LeastSquares, WhatNothingFixesHasNoInterval) {
    const auto residuals = [](std::span<const double> x, std::span<double> r) {
        for (double& one : r) one = x[0] - 3;
    };
    const fit_result found = least_squares(residuals, 4, {1, 7});
    EXPECT_NEAR(found.at[0], 3, 1e-6);
    EXPECT_EQ(found.at[1], 7);
    EXPECT_TRUE(std::isinf(found.covariance[3]));
}

TEST(LeastSquares, StepsToWhereNothingIsFiniteAreRefused) {
    const auto residuals = [](std::span<const double> x, std::span<double> r) { r[0] = std::log(x[0]); };
    EXPECT_NEAR(least_squares(residuals, 1, {8.0}).at[0], 1, 1e-6);  // the first full step would go below 0
    EXPECT_THROW((void)least_squares(residuals, 1, {-1.0}), chimera_error);
    EXPECT_THROW((void)least_squares(residuals, 1, {1.0, 2.0}), chimera_error);
}

}  // namespace
}  // namespace chimera
