// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/elementwise.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

executor::reference_device<double> reference;

constexpr std::size_t sizes[] = {1, 7, 8, 17, 1000, 5003};

TYPED_TEST(precision, fill_and_cast) {
    for (const std::size_t n : sizes)
        for (const std::size_t shift : shifts) {
            const auto x = random<TypeParam>(n, 1, 1, 0, shift);
            const auto [filled, wide, narrow, rounded_again] = in_every_order([&] {
                std::tuple out(tensor<TypeParam>(n, shift), tensor<float>(n, shift), tensor<TypeParam>(n, shift),
                               tensor<bf16>(n, shift));
                gpu::fill(nullptr, std::get<0>(out).data(), 1.2345f, n);
                gpu::cast(nullptr, std::get<1>(out).data(), x.data(), n);
                gpu::cast(nullptr, std::get<2>(out).data(), std::get<1>(out).data(), n);
                gpu::cast(nullptr, std::get<3>(out).data(), x.data(), n);
                return out;
            });
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_EQ(number(filled[i]), number(rounded<TypeParam>(1.2345f))) << i;
                ASSERT_EQ(wide[i], number(x[i])) << i;
                ASSERT_EQ(rounded_again[i], executor::to_bf16(number(x[i]))) << i;
            }
            EXPECT_TRUE(same_bits(narrow, x));
        }
}

/// The whole product in double, then one rounding.
TYPED_TEST(precision, add_and_scale) {
    for (const std::size_t n : sizes)
        for (const std::size_t shift : shifts) {
            const auto x = random<TypeParam>(n, 1, 1, 0, shift), y = random<TypeParam>(n, 2, 1, 0, shift);
            const auto [sum, product] = in_every_order([&] {
                std::tuple out(y, y);
                gpu::add(nullptr, std::get<0>(out).data(), x.data(), n);
                gpu::scale(nullptr, std::get<1>(out).data(), 0.3f, n);
                return out;
            });
            std::vector<double> expected_sum = exact(y), expected_product = exact(y);
            reference.add(expected_sum.data(), exact(x).data(), n);
            reference.scale(expected_product.data(), static_cast<double>(0.3f), n);
            expect_close(sum, expected_sum, 1, "sum");
            expect_close(product, expected_product, 1, "product");
        }
}

TYPED_TEST(precision, gelu) {
    for (const std::size_t n : sizes) {
        auto x = random<TypeParam>(n, 1, 2);
        const auto dy = random<TypeParam>(n, 2);
        if (n > 100) x[0] = rounded<TypeParam>(0), x[1] = rounded<TypeParam>(40), x[2] = rounded<TypeParam>(-40);
        const auto [y, dx] = in_every_order([&] {
            std::tuple out(tensor<TypeParam>(n), dy);
            gpu::gelu_forward(nullptr, x.data(), std::get<0>(out).data(), n);
            gpu::gelu_backward(nullptr, x.data(), std::get<1>(out).data(), std::get<1>(out).data(), n);
            return out;
        });
        std::vector<double> ey = exact(x), ex(n);
        for (double& v : ey) v = v / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
        reference.gelu_backward(exact(x).data(), exact(dy).data(), ex.data(), n);
        expect_close(y, ey, 16, "y", 4);
        expect_close(dx, ex, 16, "dx", 4);
    }
}

TYPED_TEST(precision, swiglu) {
    for (const row_shape s : {row_shape{1, 1}, {3, 17}, {5, 8}, {17, 1000}, {2, 1001}, {2, 5000}}) {
        const std::size_t n = s.size(), columns = count(s.columns);
        const auto x = random<TypeParam>(2 * n, 1, 2), dy = random<TypeParam>(n, 2);
        const auto [y, dx] = in_every_order([&] {
            std::tuple out(tensor<TypeParam>(n), x);
            gpu::swiglu_forward(nullptr, s, x.data(), std::get<0>(out).data());
            gpu::swiglu_backward(nullptr, s, std::get<1>(out).data(), dy.data(), std::get<1>(out).data());
            return out;
        });
        std::vector<double> ey(n), ex(2 * n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t gate = i / columns * 2 * columns + i % columns, up = gate + columns;
            const double g = number(x[gate]), u = number(x[up]), d = number(dy[i]), sigmoid = 1 / (1 + std::exp(-g));
            ey[i] = g * sigmoid * u;
            ex[up] = d * g * sigmoid;
            ex[gate] = d * u * (sigmoid + g * sigmoid * (1 - sigmoid));
        }
        expect_close(y, ey, 16, "y", 16);
        expect_close(dx, ex, 16, "dx", 16);
    }
}

}  // namespace
}  // namespace chimera::emulated
