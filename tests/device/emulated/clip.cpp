// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/clip.cu>
#include "tests/device/emulated/support.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace chimera::emulated {
namespace {

struct clipped {
    float scale = 0;
    double norm = 0;
};

/// What the kernel makes of two updates' numbers; all else in them must stay.
clipped clip(const std::vector<double>& squares, int rows, int columns, double limit, double units) {
    tensor<double> given(squares.size());
    for (std::size_t i = 0; i < squares.size(); ++i) given[i] = squares[i];
    const auto [numbers, norm] = in_every_order([&] {
        std::tuple out(tensor<gpu::adamw_numbers>(3), tensor<double>(1));
        auto& [n, to] = out;
        for (std::size_t i = 0; i < 3; ++i) n[i] = {.learning_rate = 0.5F, .gradient_scale = -1};
        gpu::clip(nullptr, {given.data(), rows, columns, limit, units, to.data()}, n.data(), 2);
        return out;
    });
    EXPECT_EQ(numbers[0].gradient_scale, numbers[1].gradient_scale);
    EXPECT_EQ(numbers[2].gradient_scale, -1);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(numbers[i].learning_rate, 0.5F);
    return {numbers[0].gradient_scale, norm[0]};
}

/// Bit by bit what the host computes in the same order.
TEST(clip, adds_over_rows_and_then_over_columns) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, {4, 4}, {3, 127}, {2, 128}, {5, 129}, {8, 400}}) {
        std::vector<double> squares;
        for (int i = 0; i < rows * columns; ++i) squares.push_back(1.0 / (1 + i * 7 % 97));
        double total = 0;
        for (int c = 0; c < columns; ++c) {
            double sum = 0;
            for (int r = 0; r < rows; ++r) sum += squares[static_cast<std::size_t>(r * columns + c)];
            total += sum;
        }
        const double norm = std::sqrt(total) / 12;
        for (const double limit : {0.0, 0.5 * norm, norm, 2 * norm}) {
            const clipped found = clip(squares, rows, columns, limit, 12);
            const double factor = limit > 0 && limit < norm ? limit / norm : 1;
            EXPECT_EQ(found.norm, norm) << rows << " x " << columns;
            EXPECT_EQ(found.scale, static_cast<float>(factor / 12)) << rows << " x " << columns;
        }
    }
}

TEST(clip, shows_a_norm_that_is_not_finite) {
    EXPECT_TRUE(std::isnan(clip({1, std::numeric_limits<double>::quiet_NaN()}, 1, 2, 1, 1).norm));
    EXPECT_TRUE(std::isinf(clip({1, std::numeric_limits<double>::infinity()}, 2, 1, 1, 1).norm));
}

}  // namespace
}  // namespace chimera::emulated
