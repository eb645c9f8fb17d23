// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/rotary.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

const attention_shape shapes[] = {{1, 1, 1, 2}, {2, 17, 3, 3 * 10}, {2, 5, 2, 2 * 64}, {1, 1000, 1, 16}};

/// x times the turn of its row's position: partners are the real and the imaginary part of one number.
std::vector<double> turned(const attention_shape& s, std::vector<double> x, double base, double direction) {
    const int half = s.head_size() / 2;
    for (int row = 0; row < s.rows(); ++row)
        for (int head = 0; head < 2 * s.heads; ++head)  // queries, then keys
            for (int i = 0; i < half; ++i) {
                double& real = x[count(row, 3 * s.channels) + count(head * s.head_size() + i)];
                double& imaginary = *(&real + half);
                const double angle = direction * (row % s.tokens) / std::pow(base, 2.0 * i / s.head_size());
                const double r = real * std::cos(angle) - imaginary * std::sin(angle);
                imaginary = real * std::sin(angle) + imaginary * std::cos(angle);
                real = r;
            }
    return x;
}

TYPED_TEST(precision, rotary) {
    for (const attention_shape& s : shapes)
        for (const double base : {10000.0, 500000.0}) {
            const auto qkv = random<TypeParam>(count(s.rows(), 3 * s.channels), 1);
            const auto [table, forward, backward] = in_every_order([&] {
                std::tuple out(tensor<float>(count(s.tokens, s.head_size())), qkv, qkv);
                auto& [turns, there, back] = out;
                gpu::rotary_table(nullptr, s.tokens, s.head_size(), base, turns.data());
                gpu::rotary_forward(nullptr, s, turns.data(), there.data());
                gpu::rotary_backward(nullptr, s, turns.data(), back.data());
                return out;
            });
            const std::string what = std::to_string(s.tokens) + " x " + std::to_string(s.head_size());
            expect_close(forward, turned(s, exact(qkv), base, 1), 4, "forward " + what);
            expect_close(backward, turned(s, exact(qkv), base, -1), 4, "backward " + what);
            for (std::size_t i = 0; i < qkv.size(); ++i) {
                const bool value = i % count(3 * s.channels) >= count(2 * s.channels);
                ASSERT_TRUE(!value || number(forward[i]) == number(qkv[i])) << "a value was touched";
            }
        }
}

TEST(rotary, far_positions) {
    const int tokens = 131072;
    tensor<float> table(count(tokens, 2));
    gpu::rotary_table(nullptr, tokens, 2, 10000, table.data());
    for (std::size_t t = 0; t < table.size() / 2; t += 997) {
        ASSERT_EQ(table[2 * t], static_cast<float>(std::cos(static_cast<double>(t))));
        ASSERT_EQ(table[2 * t + 1], static_cast<float>(std::sin(static_cast<double>(t))));
    }
}

}  // namespace
}  // namespace chimera::emulated
