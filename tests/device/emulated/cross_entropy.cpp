// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/kernels/cross_entropy.cu"
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

executor::reference_device<double> reference;

const row_shape shapes[] = {{1, 1}, {5, 2}, {9, 7}, {7, 17}, {6, 1000}, {5, 50257}, {2, 50304}};

std::string text(const row_shape& s) { return std::to_string(s.rows) + " x " + std::to_string(s.columns); }

/// Every row at another distance from a 16-byte boundary where columns are odd; the first and the last class are targets too.
template <class T>
struct entropy_case {
    explicit entropy_case(const row_shape& s)
        : logits(random<T>(s.size(), 1, 4, 1)), targets(random_tokens(count(s.rows), s.columns, 2)) {
        targets[0] = 0;
        targets[targets.size() - 1] = s.columns - 1;
        if (s.columns > 2) logits[count(s.columns) - 2] = rounded<T>(60);  // a maximum that comes late
    }
    tensor<T> logits;
    tensor<std::int32_t> targets;
};

TYPED_TEST(precision, cross_entropy_forward) {
    for (const row_shape& s : shapes) {
        const entropy_case<TypeParam> c(s);
        const auto [losses, log_sum] = in_every_order([&] {
            std::tuple out(tensor<float>(count(s.rows)), tensor<float>(count(s.rows)));
            gpu::cross_entropy_forward(nullptr, s, c.logits.data(), c.targets.data(), std::get<0>(out).data(),
                                       std::get<1>(out).data());
            return out;
        });
        std::vector<double> el(count(s.rows)), es(count(s.rows));
        reference.cross_entropy_forward(s, exact(c.logits).data(), c.targets.data(), el.data(), es.data());
        expect_close(log_sum, es, 8, "log_sum " + text(s), 16);
        expect_close(losses, el, 8, "losses " + text(s), 16);
    }
}

/// Bound: a probability's exponent is off by roundings of log_sum, about 32 here.
TYPED_TEST(precision, cross_entropy_backward) {
    for (const row_shape& s : shapes) {
        const entropy_case<TypeParam> c(s);
        std::vector<double> el(count(s.rows)), es(count(s.rows)), expected = exact(c.logits);
        reference.cross_entropy_forward(s, expected.data(), c.targets.data(), el.data(), es.data());
        tensor<float> log_sum(count(s.rows));
        for (std::size_t i = 0; i < es.size(); ++i) log_sum[i] = static_cast<float>(es[i]);
        const float factor = 0.125f;
        const auto [gradient] = in_every_order([&] {
            std::tuple out(c.logits);
            gpu::cross_entropy_backward(nullptr, s, std::get<0>(out).data(), c.targets.data(), log_sum.data(), factor);
            return out;
        });
        reference.cross_entropy_backward(s, expected.data(), c.targets.data(), exact(log_sum).data(),
                                         static_cast<double>(factor));
        expect_close(gradient, expected, 64, text(s), static_cast<double>(factor));
    }
}

/// Chunks of rows give what the whole gives.
TYPED_TEST(precision, chunks) {
    const row_shape s{8, 1003};
    const entropy_case<TypeParam> c(s);
    tensor<TypeParam> whole = c.logits, parts = c.logits;
    tensor<float> losses(8), log_sum(8), part_losses(8), part_log_sum(8);
    gpu::cross_entropy_forward(nullptr, s, whole.data(), c.targets.data(), losses.data(), log_sum.data());
    gpu::cross_entropy_backward(nullptr, s, whole.data(), c.targets.data(), log_sum.data(), 0.5f);
    for (int first = 0; first < s.rows; first += 3) {
        const row_shape chunk{std::min(3, s.rows - first), s.columns};
        TypeParam* logits = parts.data() + count(first, s.columns);
        gpu::cross_entropy_forward(nullptr, chunk, logits, c.targets.data() + first, part_losses.data() + first,
                                   part_log_sum.data() + first);
        gpu::cross_entropy_backward(nullptr, chunk, logits, c.targets.data() + first, part_log_sum.data() + first,
                                    0.5f);
    }
    EXPECT_TRUE(same_bits(whole, parts));
    EXPECT_TRUE(same_bits(losses, part_losses));
    EXPECT_TRUE(same_bits(log_sum, part_log_sum));
}

}  // namespace
}  // namespace chimera::emulated
