// SPDX-License-Identifier: Apache-2.0

// Every operation of device cpu, with the loops of every instruction set this machine has, against the double-precision oracle.
// A tolerance is a number of roundings (of 2⁻²⁴) relative to the largest element: for sums it grows with their length.

#include "tests/device/support.hpp"

namespace chimera::executor::test {
namespace {

constexpr double rounding = 0x1p-24;

/// Runs `operation` (device → outputs) on the oracle and on cpu, and compares the outputs.
template <class Operation>
void conform(const std::string& what, double roundings, Operation operation) {
    reference_device<double> oracle;
    const std::vector<tensor<double>> expected = operation(oracle);
    for (const detail::kernels* loops : detail::usable_kernels()) {
        cpu_device device(*loops);
        const std::vector<tensor<float>> actual = operation(device);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t i = 0; i < actual.size(); ++i)
            expect_near<float, double>(actual[i].all(), expected[i].all(), roundings * rounding,
                                       what + " output " + std::to_string(i) + " on " + loops->name);
    }
}

template <class D>
using real_of = typename std::remove_cvref_t<D>::real;

template <class... T>
auto list(T&&... t) {
    std::vector<std::common_type_t<T...>> result;
    (result.push_back(std::move(t)), ...);
    return result;
}

std::size_t area(int rows, int columns) { return row_shape{rows, columns}.size(); }

std::string text(const linear_shape& s) {
    return std::to_string(s.rows) + "x" + std::to_string(s.inputs) + "x" + std::to_string(s.outputs) +
           (s.transposed ? "t" : "");
}

void test_linear(const linear_shape& s) {
    const auto all = [&](auto& device, auto body) {
        using real = real_of<decltype(device)>;
        const auto x = random<real>(area(s.rows, s.inputs), 1), w = random<real>(area(s.inputs, s.outputs), 2),
                   b = random<real>(area(1, s.outputs), 3), dy = random<real>(area(s.rows, s.outputs), 4);
        return body(device.prepare(s), x.data(), w.data(), b.data(), dy.data());
    };
    for (const bool bias : {false, true})
        for (const bool residual : {false, true})
            conform("linear forward " + text(s), 4 + s.inputs, [&](auto& d) {
                return all(d, [&](auto prepared, auto* x, auto* w, auto* b, auto* dy) {
                    tensor<real_of<decltype(d)>> y(area(s.rows, s.outputs));
                    d.linear_forward(prepared, x, w, bias ? b : nullptr, residual ? dy : nullptr, y.data());
                    return list(std::move(y));
                });
            });
    for (const bool keep : {false, true})
        conform("linear with GELU " + text(s), 16 + s.inputs, [&](auto& d) {
            return all(d, [&](auto prepared, auto* x, auto* w, auto* b, auto*) {
                using real = real_of<decltype(d)>;
                tensor<real> before(keep ? area(s.rows, s.outputs) : 0), y(area(s.rows, s.outputs));
                d.linear_gelu_forward(prepared, x, w, b, keep ? before.data() : nullptr, y.data());
                return list(std::move(before), std::move(y));
            });
        });
    conform("linear input gradient " + text(s), 4 + s.outputs, [&](auto& d) {
        return all(d, [&](auto prepared, auto*, auto* w, auto*, auto* dy) {
            tensor<real_of<decltype(d)>> dx(area(s.rows, s.inputs));
            d.linear_backward_input(prepared, dy, w, dx.data());
            return list(std::move(dx));
        });
    });
    for (const bool add : {false, true})
        conform("linear weight gradient " + text(s), 4 + s.rows, [&](auto& d) {
            return all(d, [&](auto prepared, auto* x, auto*, auto*, auto* dy) {
                using real = real_of<decltype(d)>;
                auto dw = add ? random<real>(area(s.inputs, s.outputs), 5) : tensor<real>(area(s.inputs, s.outputs));
                auto db = add ? random<real>(area(1, s.outputs), 6) : tensor<real>(area(1, s.outputs));
                d.linear_backward_weight(prepared, dy, x, dw.data(), db.data(), add);
                return list(std::move(dw), std::move(db));
            });
        });
}

TEST(operations, linear) {
    for (const bool transposed : {false, true})
        for (const auto& [rows, inputs, outputs] :
             {std::array{1, 1, 1}, {1, 33, 7}, {17, 3, 99}, {64, 128, 384}, {100, 192, 48}})
            test_linear({rows, inputs, outputs, transposed});
}

TEST(operations, linear_to_the_vocabulary_of_gpt2) { test_linear({5, 17, 50257, true}); }

TEST(operations, gelu_backward) {
    conform("gelu", 32, [](auto& d) {
        using real = real_of<decltype(d)>;
        const auto x = random<real>(1003, 1, 3), dy = random<real>(1003, 2);
        tensor<real> dx(1003);
        d.gelu_backward(x.data(), dy.data(), dx.data(), 1003);
        return list(std::move(dx));
    });
}

TEST(operations, gelu_stays_finite_far_out) {
    cpu_device device;
    const auto prepared = device.prepare(linear_shape{1, 1, 6});
    tensor<float> x(1), w(6), b(6), before(6), y(6), dx(6);
    x[0] = 1;
    const float far[] = {-1e4f, -100, -10, 10, 100, 1e4f};
    for (std::size_t i = 0; i < 6; ++i) w[i] = far[i], b[i] = 0;
    device.linear_gelu_forward(prepared, x.data(), w.data(), b.data(), before.data(), y.data());
    device.gelu_backward(before.data(), before.data(), dx.data(), 6);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_NEAR(y[i], std::max(0.f, far[i]), 1e-6f * std::abs(far[i]));
        EXPECT_NEAR(dx[i], std::max(0.f, far[i]), 1e-6f * std::abs(far[i]));
    }
}

TEST(operations, norm) {
    for (const row_shape s : {row_shape{1, 16}, {17, 33}, {5, 768}, {64, 128}})
        for (const bool flag : {false, true})
            conform("norm " + std::to_string(s.columns), 64, [&](auto& d) {
                using real = real_of<decltype(d)>;
                const auto n = area(1, s.columns), m = area(s.rows, 1);
                const auto x = random<real>(s.size(), 1, 2), scale = random<real>(n, 2), shift = random<real>(n, 3);
                const auto dy = random<real>(s.size(), 4), residual = random<real>(s.size(), 5);
                tensor<real> y(s.size()), mean(m), inverse(m), dx(s.size());
                auto d_scale = flag ? random<real>(n, 6) : tensor<real>(n),
                     d_shift = flag ? random<real>(n, 7) : tensor<real>(n);
                d.norm_forward(s, x.data(), scale.data(), shift.data(), y.data(), mean.data(), inverse.data());
                d.norm_backward_input(s, dy.data(), x.data(), scale.data(), mean.data(), inverse.data(),
                                      flag ? residual.data() : nullptr, dx.data());
                d.norm_backward_parameters(s, dy.data(), x.data(), mean.data(), inverse.data(), d_scale.data(),
                                           d_shift.data(), flag);
                return list(std::move(y), std::move(inverse), std::move(dx), std::move(d_scale), std::move(d_shift));
            });
}

TEST(operations, attention) {
    for (const attention_shape s : {attention_shape{1, 1, 1, 16},
                                    {2, 1, 3, 9},
                                    {2, 17, 3, 48},
                                    {3, 17, 1, 5},
                                    {1, 64, 4, 64},
                                    {2, 100, 3, 120},
                                    {1, 257, 1, 64}})
        for (const bool in_place : {false, true})
            conform("attention over " + std::to_string(s.tokens), 32 + s.tokens, [&](auto& d) {
                using real = real_of<decltype(d)>;
                auto qkv = random<real>(area(s.rows(), 3 * s.channels), 1);
                const auto dy = random<real>(area(s.rows(), s.channels), 2);
                tensor<real> y(dy.size()), log_sum(area(s.sequences * s.heads, s.tokens)), d_qkv(qkv.size());
                const auto prepared = d.prepare(s);
                d.attention_forward(prepared, qkv.data(), y.data(), log_sum.data());
                d.attention_backward(prepared, qkv.data(), y.data(), dy.data(), log_sum.data(),
                                     in_place ? qkv.data() : d_qkv.data());
                return list(std::move(y), std::move(log_sum), in_place ? std::move(qkv) : std::move(d_qkv));
            });
}

TEST(operations, attention_with_extreme_scores) {
    conform("attention", 4096, [](auto& d) {  // scores near ±300: one rounding of a score is e^(300 · 2⁻²⁴)
        using real = real_of<decltype(d)>;
        const attention_shape s{1, 40, 2, 32};
        const auto qkv = random<real>(area(s.rows(), 3 * s.channels), 1, 8);
        tensor<real> y(area(s.rows(), s.channels)), log_sum(area(s.heads, s.tokens));
        d.attention_forward(d.prepare(s), qkv.data(), y.data(), log_sum.data());
        return list(std::move(y), std::move(log_sum));
    });
}

TEST(operations, embedding) {
    for (const embedding_shape s : {embedding_shape{1, 1, 1, 1}, {3, 17, 33, 5}, {2, 8, 64, 256}})
        for (const bool add : {false, true})
            conform("embedding", 4 + s.rows(), [&](auto& d) {
                using real = real_of<decltype(d)>;
                const auto tokens = random_tokens(s.rows(), s.vocabulary, 1);
                const auto n = area(s.vocabulary, s.channels), m = area(s.tokens, s.channels);
                const auto table = random<real>(n, 2), positions = random<real>(m, 3),
                           dy = random<real>(area(s.rows(), s.channels), 4);
                tensor<real> y(dy.size());
                auto d_table = add ? random<real>(n, 5) : tensor<real>(n),
                     d_positions = add ? random<real>(m, 6) : tensor<real>(m);
                d.embedding_forward(s, tokens.data(), table.data(), positions.data(), y.data());
                d.embedding_backward(s, tokens.data(), dy.data(), d_table.data(), d_positions.data(), add);
                return list(std::move(y), std::move(d_table), std::move(d_positions));
            });
}

TEST(operations, cross_entropy) {
    for (const row_shape s : {row_shape{1, 1}, {17, 3}, {64, 256}, {3, 50257}})
        for (const float spread : {1.f, 30.f})
            conform("cross-entropy", 64 + 8 * spread, [&](auto& d) {
                using real = real_of<decltype(d)>;
                auto logits = random<real>(s.size(), 1, spread);
                const auto targets = random_tokens(s.rows, s.columns, 2);
                tensor<real> alone(area(s.rows, 1)), losses(area(s.rows, 1));
                d.cross_entropy(s, logits.data(), targets.data(), alone.data());
                d.cross_entropy_and_gradient(s, logits.data(), targets.data(), losses.data(), real(0.25));
                EXPECT_TRUE(std::ranges::equal(alone.all(), losses.all()));
                return list(std::move(losses), std::move(logits));
            });
}

TEST(operations, adamw) {
    for (const int step : {1, 2, 1000})
        conform("adamw", 64, [&](auto& d) {
            using real = real_of<decltype(d)>;
            auto values = random<real>(1003, 1), m = random<real>(1003, 2), v = random<real>(1003, 3);
            const auto gradients = random<real>(1003, 4);
            for (real& x : v.all()) x = x * x;
            d.adamw(values.data(), nullptr, gradients.data(), m.data(), v.data(), 1003,
                    {.learning_rate = 0.01, .epsilon = 1e-6, .gradient_scale = 0.5, .step = step});
            return list(std::move(values), std::move(m), std::move(v));
        });
}

TEST(operations, whole_arrays) {
    conform("fill, copy, add, scale", 4, [](auto& d) {
        using real = real_of<decltype(d)>;
        auto x = random<real>(1003, 1), y = random<real>(1003, 2);
        tensor<real> z(1003), filled(17);
        d.copy(z.data(), x.data(), 1003);
        d.add(z.data(), y.data(), 1003);
        d.scale(z.data(), real(0.75), 1003);
        d.fill(filled.data(), real(1.5), 17);
        return list(std::move(z), std::move(filled));
    });
    const auto x = random<float>(1003, 1);
    double expected = 0;
    for (const float v : x.all()) expected += double(v) * double(v);
    for (const detail::kernels* loops :
         detail::usable_kernels()) {  // in double: only the order of 1003 sums may differ
        double found = 0;
        cpu_device(*loops).sum_of_squares(x.data(), 1003, &found);
        EXPECT_NEAR(found, expected, 1003 * 0x1p-53 * expected);
    }
}

TEST(operations, every_number_of_bf16_is_rounded_as_to_bf16_says) {
    constexpr float factor = 1.0039F;  // halfway between two numbers now and then, and across the largest
    for (const detail::kernels* loops : detail::usable_kernels()) {
        std::vector<bf16> x(1 << 16);
        for (std::size_t i = 0; i < x.size(); ++i) x[i].bits = static_cast<std::uint16_t>(i);
        std::vector<float> w(x.size()), g(x.size()), m(x.size()), v(x.size(), 1);
        for (std::size_t i = 0; i < x.size(); ++i) w[i] = std::bit_cast<float>(static_cast<std::uint32_t>(i) << 15);
        std::vector<bf16> scaled = x, values(x.size());
        loops->in_bf16.scale(scaled.data(), factor, x.size());
        loops->in_bf16.adamw(values.data(), w.data(), g.data(), m.data(), v.data(), w.size(), {.weight_decay = 0});
        for (std::size_t i = 0; i < x.size(); ++i) {
            ASSERT_EQ(scaled[i].bits, to_bf16(to_float(x[i]) * factor).bits) << loops->name << " of " << i;
            ASSERT_EQ(values[i].bits, to_bf16(w[i]).bits) << loops->name << " of " << i;
        }
    }
}

}  // namespace
}  // namespace chimera::executor::test
