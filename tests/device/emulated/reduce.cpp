// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/reduce.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

constexpr std::size_t sizes[] = {1, 7, 17, 256, 8191, 8193, 200003};

/// Double throughout: 1e-15 a rounding, and sums of a few levels.
TYPED_TEST(precision, sum_of_squares) {
    for (const std::size_t n : sizes)
        for (const std::size_t shift : shifts) {
            const auto x = random<TypeParam>(n, 1, 1, 0.3, shift);
            const auto [sum, more] = in_every_order([&] {
                std::tuple out(tensor<double>(1), tensor<double>(1));
                const auto workspace = poisoned(gpu::sum_workspace(n));
                std::get<1>(out)[0] = 1e6;
                gpu::sum_of_squares(nullptr, x.data(), n, std::get<0>(out).data(), false, workspace.data());
                gpu::sum_of_squares(nullptr, x.data(), n, std::get<1>(out).data(), true, workspace.data());
                return out;
            });
            long double expected = 0;
            for (const double v : exact(x)) expected += static_cast<long double>(v) * static_cast<long double>(v);
            EXPECT_NEAR(sum[0], static_cast<double>(expected), 1e-14 * static_cast<double>(expected)) << n;
            EXPECT_NEAR(more[0], 1e6 + static_cast<double>(expected), 1e-14 * (1e6 + static_cast<double>(expected)));
        }
}

/// More elements than all blocks take in one turn.
TEST(reduce, takes_several_turns) {
    const std::size_t n = gpu::most_sum_blocks * gpu::sum_per_block + 12345;
    tensor<float> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i % 7);
    tensor<double> sum(1);
    const auto workspace = poisoned(gpu::sum_workspace(n));
    gpu::sum_of_squares(nullptr, x.data(), n, sum.data(), false, workspace.data());
    double expected = 0;  // exact: integers
    for (std::size_t i = 0; i < n; ++i) expected += static_cast<double>((i % 7) * (i % 7));
    EXPECT_EQ(sum[0], expected);
}

TEST(reduce, mean) {
    for (const std::size_t n : sizes) {
        const auto x = random<float>(n, 1, 1, 5);
        const auto [mean] = in_every_order([&] {
            std::tuple out(tensor<double>(1));
            const auto workspace = poisoned(gpu::sum_workspace(n));
            gpu::mean(nullptr, x.data(), n, std::get<0>(out).data(), workspace.data());
            return out;
        });
        long double sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += static_cast<long double>(x[i]);
        EXPECT_NEAR(mean[0], static_cast<double>(sum / static_cast<long double>(n)), 1e-13) << n;
    }
}

}  // namespace
}  // namespace chimera::emulated
