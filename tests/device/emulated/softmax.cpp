// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/softmax.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

struct score_shape {
    int matrices, tokens;
    std::size_t size() const { return count(matrices, tokens, tokens); }
    std::size_t rows() const { return count(matrices, tokens); }
};
const score_shape shapes[] = {{1, 1}, {3, 1}, {2, 8}, {3, 17}, {2, 40}, {1, 1000}};

/// Scores with NaN and huge numbers above the diagonal, where nothing may look.
template <class T>
tensor<T> causal_random(const score_shape& s, unsigned seed, double deviation) {
    tensor<T> result = random<T>(s.size(), seed, deviation);
    for (std::size_t i = 0; i < result.size(); ++i)
        if (i % count(s.tokens) > i / count(s.tokens) % count(s.tokens)) result[i] = rounded<T>(i % 2 ? NAN : 1e30);
    return result;
}

template <class Types>
struct attention : testing::Test {
    using score_type = typename Types::first_type;
    using real_type = typename Types::second_type;
    static constexpr float factor = 0.37f;

    /// p and log_sum by their definitions.
    static std::pair<std::vector<double>, std::vector<double>> oracle(const score_shape& s,
                                                                      const tensor<score_type>& x) {
        const std::size_t t = count(s.tokens);
        std::vector<double> p(s.size()), log_sum(s.rows());
        for (std::size_t r = 0; r < s.rows(); ++r) {
            double sum = 0;
            for (std::size_t c = 0; c <= r % t; ++c)
                sum += p[r * t + c] = std::exp(static_cast<double>(factor) * static_cast<double>(number(x[r * t + c])));
            for (std::size_t c = 0; c <= r % t; ++c) p[r * t + c] /= sum;
            log_sum[r] = std::log(sum);
        }
        return {p, log_sum};
    }
};
using kinds = testing::Types<std::pair<float, float>, std::pair<bf16, bf16>, std::pair<float, bf16>>;
TYPED_TEST_SUITE(attention, kinds);

TYPED_TEST(attention, softmax_forward) {
    using score = typename TestFixture::score_type;
    using real = typename TestFixture::real_type;
    for (const score_shape& s : shapes) {
        const auto x = causal_random<score>(s, 1, 5);
        const auto [p, log_sum, again] = in_every_order([&] {
            std::tuple out(tensor<real>(s.size()), tensor<float>(s.rows()), tensor<real>(s.size()));
            auto& [first, sums, second] = out;
            gpu::softmax_forward(nullptr, s.matrices, s.tokens, this->factor, x.data(), first.data(), sums.data());
            gpu::softmax_recompute(nullptr, s.matrices, s.tokens, this->factor, x.data(), sums.data(), second.data());
            return out;
        });
        const auto [expected, expected_sum] = this->oracle(s, x);
        const std::string what = std::to_string(s.matrices) + " x " + std::to_string(s.tokens);
        expect_close(p, expected, 24, "p " + what);
        expect_close(again, expected, 24, "recomputed p " + what);
        expect_close(log_sum, expected_sum, 8, "log_sum " + what, 8);
        if constexpr (std::is_same_v<score, real>) {
            // Written through its pointer. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
            tensor<real> in_place = x;
            tensor<float> sums(s.rows());
            gpu::softmax_forward(nullptr, s.matrices, s.tokens, this->factor, in_place.data(), in_place.data(),
                                 sums.data());
            EXPECT_TRUE(same_bits(p, in_place)) << what;
        }
    }
}

/// Rows too long for registers, of which a whole matrix would take too long: only the first rows of it.
TYPED_TEST(attention, every_way_to_hold_a_row) {
    using score = typename TestFixture::score_type;
    using real = typename TestFixture::real_type;
    const int width = gpu::lanes<real>;
    for (const int tokens : {300 * width, 600 * width, 2100 * width, 2100 * width + 1}) {
        const std::size_t rows = 3;
        auto x = random<score>(rows * count(tokens), 1, 5);
        for (std::size_t i = 0; i < x.size(); ++i)
            if (i % count(tokens) > i / count(tokens)) x[i] = rounded<score>(i % 2 ? NAN : 1e30);
        tensor<real> p(x.size());
        tensor<float> log_sum(rows);
        executor::gpu::with_row_plan<real>(tokens, tokens % width == 0, [&](auto wide, auto held, unsigned threads) {
            gpu::launch(gpu::softmax_forward_kernel<wide, held, score, real>, {3u}, threads, nullptr, tokens,
                        this->factor, x.data(), p.data(), log_sum.data());
        });
        std::vector<double> expected(x.size());
        for (std::size_t r = 0; r < rows; ++r) {
            double sum = 0;
            double* row = expected.data() + r * count(tokens);
            for (std::size_t c = 0; c <= r; ++c)
                sum += row[c] = std::exp(static_cast<double>(this->factor) * number(x[r * count(tokens) + c]));
            for (std::size_t c = 0; c <= r; ++c) row[c] /= sum;
        }
        expect_close(p, expected, 24, std::to_string(tokens));
    }
}

TYPED_TEST(attention, softmax_backward) {
    using score = typename TestFixture::score_type;
    using real = typename TestFixture::real_type;
    for (const score_shape& s : shapes) {
        const auto p = causal_random<real>(s, 1, 0.2);
        const auto dp = causal_random<score>(s, 2, 1);
        const auto dots = random<float>(s.rows(), 3, 0.5);
        const auto [d_scores] = in_every_order([&] {
            std::tuple out(tensor<real>(s.size()));
            gpu::softmax_backward(nullptr, s.matrices, s.tokens, this->factor, p.data(), dots.data(), dp.data(),
                                  std::get<0>(out).data());
            return out;
        });
        std::vector<double> expected(s.size());
        for (std::size_t i = 0; i < s.size(); ++i) {
            const std::size_t row = i / count(s.tokens);
            if (i % count(s.tokens) <= row % count(s.tokens))
                expected[i] =
                    number(p[i]) * (static_cast<double>(number(dp[i])) - dots[row]) * static_cast<double>(this->factor);
        }
        expect_close(d_scores, expected, 4, std::to_string(s.tokens), 1);
    }
}

TYPED_TEST_SUITE(precision, precisions);

TYPED_TEST(precision, row_dots) {
    for (const attention_shape s :
         {attention_shape{1, 1, 1, 1}, {2, 17, 3, 3 * 64}, {3, 5, 2, 2 * 17}, {2, 9, 1, 1000}}) {
        const auto dy = random<TypeParam>(count(s.rows(), s.channels), 1);
        const auto y = random<TypeParam>(count(s.rows(), s.channels), 2);
        const auto [dots] = in_every_order([&] {
            std::tuple out(tensor<float>(count(s.rows(), s.heads)));
            gpu::row_dots(nullptr, s, dy.data(), y.data(), std::get<0>(out).data());
            return out;
        });
        std::vector<double> expected(dots.size());
        for (int b = 0; b < s.sequences; ++b)
            for (int h = 0; h < s.heads; ++h)
                for (int t = 0; t < s.tokens; ++t)
                    for (int d = 0; d < s.head_size(); ++d) {
                        const std::size_t at = count(b * s.tokens + t, s.channels) + count(h * s.head_size() + d);
                        expected[count(b * s.heads + h, s.tokens) + count(t)] +=
                            static_cast<double>(number(dy[at])) * static_cast<double>(number(y[at]));
                    }
        expect_close(dots, expected, 8, std::to_string(s.channels), std::sqrt(s.head_size()));
    }
}

}  // namespace
}  // namespace chimera::emulated
