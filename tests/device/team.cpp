// SPDX-License-Identifier: Apache-2.0

// How work is cut for several threads, and the threads.

#include <executor/device/cpu/cpu_linear.hpp>
#include <executor/device/cpu/team.hpp>

#include "tests/device/support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <initializer_list>
#include <set>
#include <stdexcept>
#include <thread>

namespace chimera::executor::test {
namespace {

using detail::cut;
using detail::product_form;
using detail::product_part;
using detail::team;

TEST(team, calls_each_part_once_on_a_thread_of_its_own) {
    for (const int size : {1, 2, 5}) {
        team several(size);
        for (int round = 0; round < 200; ++round) {
            std::vector<std::thread::id> where(static_cast<std::size_t>(size));
            std::vector<std::atomic<int>> calls(static_cast<std::size_t>(size));
            several.run([&](int i) {
                where[static_cast<std::size_t>(i)] = std::this_thread::get_id();
                ++calls[static_cast<std::size_t>(i)];
            });
            for (const auto& each : calls) ASSERT_EQ(each, 1);
            ASSERT_EQ(where[0], std::this_thread::get_id());
            ASSERT_EQ(std::set(where.begin(), where.end()).size(), where.size());
            if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // they fall asleep
        }
    }
}

TEST(team, shares_everything_once_and_cuts_at_the_grain) {
    for (const int size : {1, 3})
        for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 63, 64, 65, 128, 129, 1000})
            for (const std::size_t grain : std::initializer_list<std::size_t>{1, 64}) {
                team several(size);
                std::vector<std::atomic<int>> taken(n);
                std::atomic<int> parts{0};
                several.share(n, grain, [&](std::size_t first, std::size_t count) {
                    EXPECT_EQ(first % grain, 0u);
                    EXPECT_GT(count, 0u);
                    for (std::size_t i = first; i < first + count; ++i) ++taken.at(i);
                    ++parts;
                });
                for (const auto& each : taken) ASSERT_EQ(each, 1) << n << " by " << grain;
                EXPECT_LE(parts, size);
                EXPECT_TRUE(n < 3 * grain || parts == size) << n << " by " << grain;
            }
}

TEST(team, throws_what_a_part_throws_and_goes_on) {
    team several(3);
    for (int thrower = 0; thrower < 3; ++thrower)
        EXPECT_THROW(several.run([&](int i) {
            if (i == thrower) throw std::runtime_error("part");
        }),
                     std::runtime_error);
    std::atomic<int> calls{0};
    several.run([&](int) { ++calls; });
    EXPECT_EQ(calls, 3);
}

/// Marks what each part computes: every sum has to get every term once, in ascending order, from one thread.
void expect_whole(const product_form& f, int threads) {
    const auto parts = cut(f, threads);
    EXPECT_LE(parts.size(), static_cast<std::size_t>(threads));
    std::vector<long> terms(static_cast<std::size_t>(f.rows * f.columns));
    std::vector<std::size_t> by(terms.size(), parts.size());
    for (std::size_t t = 0; t < parts.size(); ++t)
        for (const product_part& p : parts[t])
            for (long r = p.row; r < p.row + p.rows; ++r)
                for (long c = p.column; c < p.column + p.columns; ++c) {
                    const auto at = static_cast<std::size_t>(r * f.columns + c);
                    ASSERT_EQ(terms[at], p.term);
                    ASSERT_TRUE(by[at] == parts.size() || by[at] == t);
                    terms[at] += p.terms;
                    by[at] = t;
                }
    for (const long n : terms) ASSERT_EQ(n, f.inner);
}

TEST(cut, covers_every_term_of_every_sum_once_in_order) {
    for (const long rows : {1L, 17L, 256L, 1100L})
        for (const long columns : {1L, 100L, 1500L})
            for (const long inner : {1L, 768L, 5000L})
                for (const bool left : {false, true})
                    for (const bool right : {false, true})
                        for (const int threads : {1, 2, 7})
                            expect_whole({.rows = rows,
                                          .columns = columns,
                                          .inner = inner,
                                          .left_transposed = left,
                                          .right_transposed = right},
                                         threads);
}

TEST(cut, gives_every_thread_work_where_there_is_enough) {
    for (const bool left : {false, true})
        for (const bool right : {false, true})
            EXPECT_EQ(
                cut({.rows = 256, .columns = 768, .inner = 768, .left_transposed = left, .right_transposed = right}, 4)
                    .size(),
                4u);
    EXPECT_EQ(cut({.rows = 16, .columns = 64, .inner = 64}, 4).size(), 1u);
}

TEST(cut, never_applies_gelu_to_part_of_a_sum) {
    for (const auto& parts : cut({.rows = 64, .columns = 512, .inner = 9000, .bias = true, .gelu = true}, 2))
        for (const product_part& p : parts) EXPECT_EQ(p.terms, 9000);
}

TEST(cut, never_rounds_part_of_a_sum_to_bf16) {
    using number = dnnl::memory::data_type;
    const auto parts = [](number result) {
        const product_form f{.rows = 64, .columns = 512, .inner = 9000, .operands = number::bf16, .result = result};
        return cut(f, 2).front().size();
    };
    EXPECT_EQ(parts(number::bf16), 1u);
    EXPECT_GT(parts(number::f32), 1u);
}

TEST(several_threads, compute_the_same_bits_every_time) {
    const linear_shape s{192, 2100, 640};
    const auto n = [](long a, long b) { return static_cast<std::size_t>(a * b); };
    const auto x = random<float>(n(s.rows, s.inputs), 1), w = random<float>(n(s.inputs, s.outputs), 2),
               b = random<float>(n(1, s.outputs), 3), r = random<float>(n(s.rows, s.outputs), 4);
    cpu_device device(3);
    const auto prepared = device.prepare(s);
    tensor<float> first(n(s.rows, s.outputs)), again(n(s.rows, s.outputs));
    device.linear_forward(prepared, x.data(), w.data(), b.data(), r.data(), first.data());
    for (int i = 0; i < 20; ++i) {
        device.linear_forward(prepared, x.data(), w.data(), b.data(), r.data(), again.data());
        ASSERT_TRUE(std::ranges::equal(first.all(), again.all()));
    }
}

/// What a device computes besides products, on shapes that are shared: heads, rows, columns and elements.
std::vector<tensor<float>> all_but_products(cpu_device& device) {
    const attention_shape a{2, 200, 6, 384};
    const row_shape r{400, 384};
    const auto whole = row_shape{400, 3 * 384}.size();
    const auto qkv = random<float>(whole, 1), dy = random<float>(r.size(), 2), x = random<float>(r.size(), 3),
               scale = random<float>(384, 4), shift = random<float>(384, 5);
    std::vector<tensor<float>> made;
    const auto room = [&](std::size_t n) {
        made.emplace_back(n);
        return made.back().data();
    };
    const auto prepared = device.prepare(a);
    float *y = room(r.size()), *log_sum = room(2 * 6 * 200), *d_qkv = room(whole);
    device.attention_forward(prepared, qkv.data(), y, log_sum);
    device.attention_backward(prepared, qkv.data(), y, dy.data(), log_sum, d_qkv);
    float *normal = room(r.size()), *mean = room(400), *inverse = room(400), *dx = room(r.size());
    device.norm_forward(r, x.data(), scale.data(), shift.data(), normal, mean, inverse);
    device.norm_backward_input(r, dy.data(), x.data(), scale.data(), mean, inverse, y, dx);
    float *d_scale = room(384), *d_shift = room(384);
    device.norm_backward_parameters(r, dy.data(), x.data(), mean, inverse, d_scale, d_shift, false);
    float *alone = room(400), *losses = room(400), *logits = room(r.size());
    device.copy(logits, x.data(), r.size());
    const auto targets = random_tokens(400, 384, 6);
    device.cross_entropy(r, logits, targets.data(), alone);
    device.cross_entropy_and_gradient(r, logits, targets.data(), losses, 0.5f);
    float *values = room(r.size()), *m = room(r.size()), *v = room(r.size());
    device.fill(m, 0, r.size()), device.fill(v, 0, r.size()), device.copy(values, x.data(), r.size());
    device.adamw(values, nullptr, dy.data(), m, v, r.size(), {});
    device.gelu_backward(x.data(), dy.data(), room(r.size()), r.size());
    return made;
}

TEST(several_threads, leave_the_bits_of_all_but_products_alone) {
    cpu_device one, three(3);
    const auto expected = all_but_products(one);
    for (int i = 0; i < 10; ++i) {
        const auto actual = all_but_products(three);
        for (std::size_t k = 0; k < expected.size(); ++k)
            ASSERT_TRUE(std::ranges::equal(actual[k].all(), expected[k].all())) << "output " << k;
    }
}

TEST(several_threads, add_squares_to_the_same_bits) {
    const auto x = random<float>(3000017, 1);
    double expected = 0, actual = 0, sum = 0;
    cpu_device(1).sum_of_squares(x.data(), x.size(), &expected);
    cpu_device(3).sum_of_squares(x.data(), x.size(), &actual);
    for (const float each : x.all()) sum += static_cast<double>(each) * static_cast<double>(each);
    EXPECT_EQ(actual, expected);
    EXPECT_NEAR(expected, sum, 1e-9 * sum);
}

}  // namespace
}  // namespace chimera::executor::test
