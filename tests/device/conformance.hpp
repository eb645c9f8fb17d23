// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every operation against the double-precision oracle, on any device: outputs poisoned first, odd sizes. Instantiated by each program
// that has a device to test. How many roundings are allowed is counted from the operation: a sum of n products has n, and each
// number that is stored in the device's own type has one more.

#include "tests/device/lab.hpp"

namespace chimera::executor::test {

/// Setup: `using device`, and `static std::unique_ptr<device> make()`, null where there is none.
template <class Setup>
class conformance : public testing::Test {
protected:
    using device_type = typename Setup::device;

    static void SetUpTestSuite() { device() = Setup::make(); }
    static void TearDownTestSuite() { device().reset(); }
    void SetUp() override {
        if (!device()) GTEST_SKIP() << "this machine has no such device";
    }
    template <class Operation>
    static void check(const std::string& what, Operation operation) {
        conform(*device(), what, operation);
    }
    static std::unique_ptr<device_type>& device() {
        static std::unique_ptr<device_type> one;
        return one;
    }
};
TYPED_TEST_SUITE_P(conformance);

inline std::size_t area(int rows, int columns) { return row_shape{rows, columns}.size(); }

inline std::string text(const linear_shape& s) {
    return std::to_string(s.rows) + "x" + std::to_string(s.inputs) + "x" + std::to_string(s.outputs) +
           (s.transposed ? "t" : "");
}

/// All products of one linear layer.
template <class Check>
void check_linear(const linear_shape& s, Check check) {
    const std::size_t inputs = area(s.rows, s.inputs), outputs = area(s.rows, s.outputs),
                      weights = area(s.inputs, s.outputs), bias = area(1, s.outputs);
    for (const bool with_bias : {false, true})
        for (const bool residual : {false, true})
            check("linear forward " + text(s), [&](auto& l) {
                auto *y = l.empty(outputs), *x = l.numbers(inputs, 1), *w = l.numbers(weights, 2);
                l.device.linear_forward(l.device.prepare(s), x, w, with_bias ? l.numbers(bias, 3) : nullptr,
                                        residual ? l.numbers(outputs, 4) : nullptr, y);
                l.give(y, outputs, {4. + s.inputs, 1});
            });
    for (const bool keep : {false, true})
        check("linear with GELU " + text(s), [&](auto& l) {
            auto *y = l.empty(outputs), *before = l.empty(outputs), *x = l.numbers(inputs, 1),
                 *w = l.numbers(weights, 2), *b = l.numbers(bias, 3);
            l.device.linear_gelu_forward(l.device.prepare(s), x, w, b, keep ? before : nullptr, y);
            l.give(y, outputs, {16. + s.inputs, 2.5});  // its slope is at most 1.13
            if (keep) l.give(before, outputs, {4. + s.inputs, 1});
        });
    check("linear input gradient " + text(s), [&](auto& l) {
        auto *dx = l.empty(inputs), *dy = l.numbers(outputs, 4), *w = l.numbers(weights, 2);
        l.device.linear_backward_input(l.device.prepare(s), dy, w, dx);
        l.give(dx, inputs, {4. + s.outputs, 1});
    });
    for (const bool in_place : {false, true})
        for (const bool apart : {false, true})
            check("linear input gradient through GELU " + text(s), [&](auto& l) {
                auto *dy = l.numbers(outputs, 4), *w = l.numbers(weights, 2), *before = l.numbers(inputs, 7);
                auto *dx = in_place ? before : l.empty(inputs), *room = in_place || apart ? l.empty(inputs) : dx;
                l.device.linear_gelu_backward_input(l.device.prepare(s), dy, w, before, dx, room);
                l.give(dx, inputs, {32. + 1.13 * s.outputs, 2});
            });
    for (const bool add : {false, true})
        check("linear input gradient through GELU, with sums, " + text(s), [&](auto& l) {
            auto *dy = l.numbers(outputs, 4), *w = l.numbers(weights, 2), *before = l.numbers(inputs, 7);
            auto* sums = add ? l.wides(area(1, s.inputs), 6) : l.empty_wide(area(1, s.inputs));
            auto* room = l.empty(inputs);
            l.device.linear_gelu_backward_input(l.device.prepare(s), dy, w, before, before, room, sums, add);
            l.give(before, inputs, {32. + 1.13 * s.outputs, 2});
            l.give(sums, area(1, s.inputs), {32. + 1.13 * s.outputs + s.rows, 8});  // of what is stored
        });
    for (const bool add : {false, true})
        for (const bool with_bias : {false, true})
            check("linear weight gradient " + text(s), [&](auto& l) {
                auto *dw = add ? l.wides(weights, 5) : l.empty_wide(weights),
                     *db = add ? l.wides(bias, 6) : l.empty_wide(bias);
                auto *x = l.numbers(inputs, 1), *dy = l.numbers(outputs, 4);
                l.device.linear_backward_weight(l.device.prepare(s), dy, x, dw, with_bias ? db : nullptr, add);
                l.give(dw, weights, {4. + s.rows, 0});
                if (with_bias) l.give(db, bias, {4. + s.rows, 0});
            });
}

TYPED_TEST_P(conformance, linear) {
    for (const bool transposed : {false, true})
        for (const auto& [rows, inputs, outputs] : {std::array{1, 1, 1},
                                                    {1, 33, 7},
                                                    {17, 3, 99},
                                                    {64, 128, 384},
                                                    {100, 192, 48},
                                                    {17, 64, 16},
                                                    {1000, 24, 8},
                                                    {200, 2100, 72}})  // large enough to be cut
            check_linear({rows, inputs, outputs, transposed},
                         [](const std::string& what, auto f) { TestFixture::check(what, f); });
}

TYPED_TEST_P(conformance, linear_to_the_vocabulary_of_gpt2) {
    check_linear({5, 17, 50257, true}, [](const std::string& what, auto f) { TestFixture::check(what, f); });
}

TYPED_TEST_P(conformance, gelu_backward) {
    for (const bool in_place : {false, true})
        TestFixture::check("gelu", [&](auto& l) {
            auto *x = l.numbers(1003, 1, 3), *dy = l.numbers(1003, 2), *dx = in_place ? x : l.empty(1003);
            l.device.gelu_backward(x, dy, dx, 1003);
            l.give(dx, 1003, {32, 1});
        });
}

TYPED_TEST_P(conformance, norm) {
    for (const row_shape s : {row_shape{1, 16}, {17, 33}, {5, 768}, {64, 128}, {1000, 24}, {3, 1600}, {2, 8192}})
        for (const bool flag : {false, true})
            TestFixture::check("norm " + std::to_string(s.columns), [&](auto& l) {
                const auto n = area(1, s.columns), m = area(s.rows, 1);
                auto *x = l.numbers(s.size(), 1, 2), *scale = l.numbers(n, 2), *shift = l.numbers(n, 3),
                     *dy = l.numbers(s.size(), 4), *residual = l.numbers(s.size(), 5);
                auto *y = l.empty(s.size()), *dx = l.empty(s.size());
                auto *mean = l.empty_wide(m), *inverse = l.empty_wide(m);
                auto *d_scale = flag ? l.wides(n, 6) : l.empty_wide(n),
                     *d_shift = flag ? l.wides(n, 7) : l.empty_wide(n);
                auto& d = l.device;
                d.norm_forward(s, x, scale, shift, y, mean, inverse);
                d.norm_backward_input(s, dy, x, scale, mean, inverse, flag ? residual : nullptr, dx);
                d.norm_backward_parameters(s, dy, x, mean, inverse, d_scale, d_shift, flag);
                l.give(y, s.size(), {64, 1});
                l.give(inverse, m, {64, 0});
                l.give(dx, s.size(), {64, 1});
                l.give(d_scale, n, {64. + s.rows, 0});
                l.give(d_shift, n, {64. + s.rows, 0});
            });
}

/// All at once, in the place of dy; `biases`: with the sums of residual and dx.
TYPED_TEST_P(conformance, norm_backward) {
    for (const row_shape s : {row_shape{1, 16}, {17, 33}, {5, 768}, {64, 128}, {1000, 24}, {3, 1600}, {2, 8192}})
        for (const bool biases : {false, true})
            TestFixture::check("norm backward " + std::to_string(s.columns), [&](auto& l) {
                const auto n = area(1, s.columns), m = area(s.rows, 1);
                auto *x = l.numbers(s.size(), 1, 2), *scale = l.numbers(n, 2), *shift = l.numbers(n, 3),
                     *dy = l.numbers(s.size(), 4), *residual = l.numbers(s.size(), 5), *y = l.empty(s.size());
                auto *mean = l.empty_wide(m), *inverse = l.empty_wide(m);
                const auto sums = [&](unsigned seed) { return biases ? l.wides(n, seed) : l.empty_wide(n); };
                auto *d_scale = sums(6), *d_shift = sums(7), *d_residual = sums(8), *d_dx = sums(9);
                l.device.norm_forward(s, x, scale, shift, y, mean, inverse);
                l.device.norm_backward(
                    s, dy, x, scale, mean, inverse, residual, dy,
                    {d_scale, d_shift, biases ? d_residual : nullptr, biases ? d_dx : nullptr, biases});
                l.give(dy, s.size(), {64, 1});
                l.give(d_scale, n, {64. + s.rows, 0});
                l.give(d_shift, n, {64. + s.rows, 0});
                if (!biases) return;
                l.give(d_residual, n, {64. + s.rows, 0});
                l.give(d_dx, n, {64. + s.rows, 8});  // of what is stored
            });
}

TYPED_TEST_P(conformance, column_sums) {
    for (const row_shape s : {row_shape{1, 1}, {17, 33}, {1000, 24}, {5, 3072}, {3, 8193}})
        for (const bool add : {false, true})
            TestFixture::check("column sums " + std::to_string(s.columns), [&](auto& l) {
                const auto n = area(1, s.columns);
                auto* sums = add ? l.wides(n, 6) : l.empty_wide(n);
                l.device.column_sums(s, l.numbers(s.size(), 1), sums, add);
                l.give(sums, n, {4. + s.rows, 0});
            });
}

template <class Check>
void check_attention(const attention_shape& s, bool in_place, float spread, double more, Check check) {
    check("attention over " + std::to_string(s.tokens), [&](auto& l) {
        const auto whole = area(s.rows(), 3 * s.channels), part = area(s.rows(), s.channels),
                   rows = area(s.sequences * s.heads, s.tokens);
        auto *qkv = l.numbers(whole, 1, spread), *dy = l.numbers(part, 2);
        auto *y = l.empty(part), *d_qkv = in_place ? qkv : l.empty(whole);
        auto* log_sum = l.empty_wide(rows);
        const auto prepared = l.device.prepare(s);
        l.device.attention_forward(prepared, qkv, y, log_sum);
        l.give(y, part, {more + 32. + s.tokens, 2});  // probabilities are stored, then the result
        l.give(log_sum, rows, {more + 32., 0});
        if (more > 0) return;
        l.device.attention_backward(prepared, qkv, y, dy, log_sum, d_qkv);
        // stored: y, probabilities, gradients of scores, results; each enters sums of all tokens
        l.give(d_qkv, whole, {32. + s.tokens, 8});
    });
}

TYPED_TEST_P(conformance, attention) {
    for (const attention_shape s : {attention_shape{1, 1, 1, 16},
                                    {2, 1, 3, 9},
                                    {2, 17, 3, 48},
                                    {3, 17, 1, 5},
                                    {1, 64, 4, 64},
                                    {2, 100, 3, 120},
                                    {1, 257, 1, 64},
                                    {1, 1000, 1, 16}})
        for (const bool in_place : {false, true})
            check_attention(s, in_place, 1, 0, [](const std::string& what, auto f) { TestFixture::check(what, f); });
}

TYPED_TEST_P(conformance, attention_with_extreme_scores) {  // near ±300: one rounding of a score is e^(300 · 2⁻²⁴)
    check_attention({1, 40, 2, 32}, false, 8, 4096,
                    [](const std::string& what, auto f) { TestFixture::check(what, f); });
}

TYPED_TEST_P(conformance, embedding) {
    for (const embedding_shape s :
         {embedding_shape{1, 1, 1, 1}, {3, 17, 33, 5}, {2, 8, 64, 256}, {1, 1000, 8, 17}, {2, 3, 16, 50257}})
        for (const bool add : {false, true})
            TestFixture::check("embedding", [&](auto& l) {
                const auto* tokens = l.tokens(s.rows(), s.vocabulary, 1);
                const auto n = area(s.vocabulary, s.channels), m = area(s.tokens, s.channels),
                           whole = area(s.rows(), s.channels);
                auto *table = l.numbers(n, 2), *positions = l.numbers(m, 3), *dy = l.numbers(whole, 4);
                auto* y = l.empty(whole);
                auto *d_table = add ? l.wides(n, 5) : l.empty_wide(n),
                     *d_positions = add ? l.wides(m, 6) : l.empty_wide(m);
                l.device.embedding_forward(s, tokens, table, positions, y);
                l.device.embedding_backward(s, tokens, dy, d_table, d_positions, add);
                l.give(y, whole, {4, 1});
                l.give(d_table, n, {4. + s.rows(), 0});
                l.give(d_positions, m, {4. + s.rows(), 0});
            });
}

TYPED_TEST_P(conformance, cross_entropy) {
    for (const row_shape s : {row_shape{1, 1}, {17, 3}, {64, 256}, {3, 50257}, {1000, 17}})
        for (const float spread : {1.f, 30.f})
            TestFixture::check("cross-entropy " + std::to_string(s.columns), [&](auto& l) {
                using wide = typename std::remove_cvref_t<decltype(l)>::wide;
                auto* logits = l.numbers(s.size(), 1, spread);
                const auto* targets = l.tokens(s.rows, s.columns, 2);
                const auto m = area(s.rows, 1);
                auto *alone = l.empty_wide(m), *losses = l.empty_wide(m);
                auto* mean = l.empty_doubles(1);
                l.device.cross_entropy(s, logits, targets, alone);
                l.device.cross_entropy_and_gradient(s, logits, targets, losses, wide(0.25));
                l.device.mean_of(losses, m, mean);
                for (const auto* x : {alone, losses}) l.give(x, m, {64 + 8. * spread, 0});
                l.give(mean, 1, {64 + 8. * spread, 0});
                l.give(logits, s.size(), {64 + 8. * spread, 1});
            });
}

TYPED_TEST_P(conformance, adamw) {
    for (const int step : {1, 2, 1000})
        for (const bool by_pointer : {false, true})
            TestFixture::check("adamw", [&](auto& l) {
                using D = std::remove_cvref_t<decltype(l.device)>;
                using wide = typename D::wide;
                constexpr std::size_t n = 1003;
                wide *const start = l.wides(n, 1), *const m = l.wides(n, 2), *const gradients = l.wides(n, 4);
                std::vector<wide> squares;
                const auto roots = random<float>(n, 3);
                for (const float x : roots.all()) squares.push_back(wide(x * x));
                wide* const v = l.place(squares);
                const adamw_step numbers{.learning_rate = 0.01, .epsilon = 1e-6, .gradient_scale = 0.5, .step = step};
                typename D::real* values = nullptr;
                wide* master = nullptr;
                if constexpr (has_master<D>)
                    values = l.empty(n), master = start;
                else
                    values = start;
                const auto run = [&](const auto& how) { l.device.adamw(values, master, gradients, m, v, n, how); };
                if constexpr (D::on_host)
                    run(numbers);
                else if (by_pointer)
                    run(static_cast<const typename D::step_numbers*>(l.place(std::vector{D::numbers(numbers)})));
                else
                    run(numbers);
                l.give(values, n, {64, 1});
                for (const wide* x : {static_cast<const wide*>(m), static_cast<const wide*>(v)}) l.give(x, n, {64, 0});
                if (master)
                    l.give(master, n, {64, 0});
                else
                    l.give(values, n, {64, 0});
            });
}

TYPED_TEST_P(conformance, whole_arrays) {
    TestFixture::check("fill, copy, add, scale", [](auto& l) {
        using wide = typename std::remove_cvref_t<decltype(l)>::wide;
        constexpr std::size_t n = 1003;
        auto& d = l.device;
        const auto run = [&](auto* x, auto* y, auto* z, auto* filled, allowed limit) {
            d.copy(z, x, n);
            d.add(z, y, n);
            d.scale(z, wide(0.75), n);
            d.fill(filled, wide(1.5), 17);
            l.give(z, n, limit);
            l.give(filled, 17, {});
        };
        run(l.numbers(n, 1), l.numbers(n, 2), l.empty(n), l.empty(17), {4, 3});
        run(l.wides(n, 1), l.wides(n, 2), l.empty_wide(n), l.empty_wide(17), {4, 0});
        auto* const squares = l.empty_doubles(1);
        d.sum_of_squares(l.wides(n, 1), n, squares);
        l.give(squares, 1, {1e-4, 0});  // in double: nothing is rounded to float
    });
}

REGISTER_TYPED_TEST_SUITE_P(conformance, linear, linear_to_the_vocabulary_of_gpt2, gelu_backward, norm, norm_backward,
                            column_sums, attention, attention_with_extreme_scores, embedding, cross_entropy, adamw,
                            whole_arrays);

}  // namespace chimera::executor::test
