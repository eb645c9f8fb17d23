// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/cross_entropy.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

executor::reference_device<double> reference;

const row_shape shapes[] = {{1, 1}, {5, 2}, {9, 7}, {7, 17}, {6, 1000}, {3, 8191}, {5, 50257}, {2, 50304}};
constexpr float factor = 0.125f;

std::string text(const row_shape& s) { return std::to_string(s.rows) + " x " + std::to_string(s.columns); }

/// Every row at another distance from a 16-byte boundary where columns are odd; the first and the last class are targets too.
template <class T>
struct entropy_case {
    explicit entropy_case(const row_shape& s)
        : shape(s), logits(random<T>(s.size(), 1, 4, 1)), targets(random_tokens(count(s.rows), s.columns, 2)) {
        targets[0] = 0;
        targets[targets.size() - 1] = s.columns - 1;
        if (s.columns > 2) logits[count(s.columns) - 2] = rounded<T>(60);  // a maximum that comes late
    }
    tensor<float> losses() const {
        tensor<float> result(count(shape.rows));
        gpu::cross_entropy(nullptr, shape, logits.data(), targets.data(), result.data());
        return result;
    }
    /// Losses and gradient.
    std::tuple<tensor<float>, tensor<T>> both() const {
        std::tuple result(tensor<float>(count(shape.rows)), logits);
        gpu::cross_entropy_and_gradient(nullptr, shape, std::get<1>(result).data(), targets.data(),
                                        std::get<0>(result).data(), factor);
        return result;
    }
    row_shape shape;
    tensor<T> logits;
    tensor<std::int32_t> targets;
};

/// Bound: a probability's exponent is off by roundings of a logarithm of about 32; approximate powers are by 4 more.
template <class T>
void expect_right(const entropy_case<T>& c, const tensor<float>& losses, const tensor<float>& alone,
                  const tensor<T>& gradient) {
    std::vector<double> expected(count(c.shape.rows)), slopes = exact(c.logits);
    reference.cross_entropy_and_gradient(c.shape, slopes.data(), c.targets.data(), expected.data(),
                                         static_cast<double>(factor));
    expect_close(losses, expected, 8, "losses " + text(c.shape), 16);
    expect_close(gradient, slopes, 64, "gradient " + text(c.shape), static_cast<double>(factor));
    EXPECT_TRUE(same_bits(losses, alone)) << text(c.shape);
}

TYPED_TEST(precision, cross_entropy) {
    for (const row_shape& s : shapes) {
        const entropy_case<TypeParam> c(s);
        const auto [losses, gradient, alone] =
            in_every_order([&] { return std::tuple_cat(c.both(), std::tuple(c.losses())); });
        expect_right(c, losses, alone, gradient);
    }
}

TEST(cross_entropy, is_right_where_powers_are_as_wrong_as_they_may_be) {
    for (const row_shape& s : shapes)
        for (const errors way : {errors::up, errors::down}) {
            approximate_errors = way;
            const entropy_case<bf16> c(s);
            const auto [losses, gradient] = c.both();
            expect_right(c, losses, c.losses(), gradient);
        }
    approximate_errors = errors::mixed;
}

/// One power an element and visit, besides one for each thread's first maximum and one for its part of the sum.
TEST(cross_entropy, rescales_only_where_the_maximum_grows) {
    const row_shape s{1, 50304};
    entropy_case<bf16> c(s);
    for (std::size_t i = 0; i < s.size(); ++i) c.logits[i] = rounded<bf16>(2);
    const std::size_t columns = count(s.columns);
    approximate_count = 0;
    c.losses();
    EXPECT_LE(approximate_count, columns + 2 * gpu::twice_threads);
    approximate_count = 0;
    c.both();
    EXPECT_LE(approximate_count, 2 * columns + 2 * gpu::twice_threads);
}

/// The loss of a row that holds such a logit is not finite, wherever it stands; other rows do not see it.
TYPED_TEST(precision, infinite_logits_are_found_in_the_loss) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const row_shape s{3, 1003};
    for (const double bad : {infinity, std::numeric_limits<double>::quiet_NaN()})
        for (const int column : {0, 1, 8, 500, 1001, 1002}) {
            entropy_case<TypeParam> c(s);
            const auto before = c.losses();
            c.logits[count(s.columns + column)] = rounded<TypeParam>(bad);
            const auto [losses, gradient] = c.both();
            EXPECT_FALSE(std::isfinite(losses[1])) << bad << " at " << column;
            EXPECT_FALSE(std::isfinite(c.losses()[1])) << bad << " at " << column;
            EXPECT_EQ(losses[0], before[0]);
            EXPECT_EQ(losses[2], before[2]);
        }
    entropy_case<TypeParam> c(s);
    c.logits[count(c.targets[0])] = rounded<TypeParam>(-infinity);
    EXPECT_EQ(c.losses()[0], std::numeric_limits<float>::infinity());
}

/// Columns beyond the vocabulary hold such logits: the loss and the other gradients are what they are without them.
template <class T>
void check_excluded(const row_shape& narrow, const row_shape& wide) {
    const entropy_case<T> c(narrow);
    entropy_case<T> padded(wide);
    const auto rows = count(narrow.rows), few = count(narrow.columns), many = count(wide.columns);
    for (std::size_t r = 0; r < rows; ++r) {
        padded.targets[r] = c.targets[r];
        for (std::size_t i = 0; i < many; ++i)
            padded.logits[r * many + i] = i < few ? c.logits[r * few + i] : rounded<T>(-1e30);
    }
    const auto [losses, gradient] = padded.both();
    tensor<T> kept(narrow.size());
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < many; ++i)
            if (i < few)
                kept[r * few + i] = gradient[r * many + i];
            else
                ASSERT_EQ(number(gradient[r * many + i]), 0) << r << " " << i;
    expect_right(c, losses, padded.losses(), kept);
}

TYPED_TEST(precision, excluded_columns_count_for_nothing) {
    check_excluded<TypeParam>({3, 50257}, {3, 50304});
    check_excluded<TypeParam>({5, 300}, {5, 320});  // threads that see nothing else
    check_excluded<TypeParam>({2, 1}, {2, 64});
}

/// Chunks of rows give what the whole gives.
TYPED_TEST(precision, chunks) {
    const row_shape s{8, 1003};
    const entropy_case<TypeParam> c(s);
    const auto [losses, whole] = c.both();
    tensor<TypeParam> parts = c.logits;
    tensor<float> part_losses(8);
    for (int first = 0; first < s.rows; first += 3) {
        const row_shape chunk{std::min(3, s.rows - first), s.columns};
        gpu::cross_entropy_and_gradient(nullptr, chunk, parts.data() + count(first, s.columns),
                                        c.targets.data() + first, part_losses.data() + first, factor);
    }
    EXPECT_TRUE(same_bits(whole, parts));
    EXPECT_TRUE(same_bits(losses, part_losses));
}

}  // namespace
}  // namespace chimera::emulated
