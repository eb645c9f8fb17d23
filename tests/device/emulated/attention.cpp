// SPDX-License-Identifier: Apache-2.0

// Attention put together from its kernels as the device does it, with plain products in between, against its definition.

#include <executor/device/cuda/kernels/softmax.cu>
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

executor::reference_device<double> reference;

/// A matrix inside a tensor: `step` elements between rows, or between columns if transposed.
template <class T>
struct view {
    T* data;
    std::size_t row_step, column_step = 1;
    view transposed() const { return {data, column_step, row_step}; }
    T& operator()(std::size_t r, std::size_t c) const { return data[r * row_step + c * column_step]; }
};

/// y [rows, columns] = a [rows, inner] · b [inner, columns], as a strided product does for one head.
template <class Y, class A, class B>
void product(std::size_t rows, std::size_t columns, std::size_t inner, view<A> a, view<B> b, view<Y> y) {
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
            double sum = 0;
            for (std::size_t k = 0; k < inner; ++k)
                sum += static_cast<double>(number(a(r, k))) * static_cast<double>(number(b(k, c)));
            y(r, c) = rounded<std::remove_const_t<Y>>(sum);
        }
}

template <class Real>
class attention {
public:
    explicit attention(const attention_shape& s)
        : shape(s), t(count(s.tokens)), d(count(s.head_size())), scores(count(s.sequences, s.heads) * t * t),
          dp(scores.size()), p(scores.size()), d_scores(scores.size()), dots(count(s.rows(), s.heads)),
          factor(1 / std::sqrt(static_cast<float>(s.head_size()))) {}

    void forward(const tensor<Real>& qkv, const tensor<Real>& y, const tensor<float>& log_sum) {
        each_head([&](std::size_t m) { product(t, t, d, query(qkv), key(qkv).transposed(), square(scores, m)); });
        gpu::softmax_forward(nullptr, matrices(), shape.tokens, factor, scores.data(), p.data(), log_sum.data());
        each_head([&](std::size_t m) { product(t, d, t, square(p, m), value(qkv), result(y)); });
    }

    void backward(const tensor<Real>& qkv, const tensor<Real>& y, const tensor<Real>& dy, const tensor<float>& log_sum,
                  const tensor<Real>& d_qkv) {
        gpu::row_dots(nullptr, shape, dy.data(), y.data(), dots.data());
        each_head([&](std::size_t m) {
            product(t, t, d, query(qkv), key(qkv).transposed(), square(scores, m));
            product(t, t, d, result(dy), value(qkv).transposed(), square(dp, m));
        });
        gpu::softmax_recompute(nullptr, matrices(), shape.tokens, factor, scores.data(), log_sum.data(), p.data());
        gpu::softmax_backward(nullptr, matrices(), shape.tokens, factor, p.data(), dots.data(), dp.data(),
                              d_scores.data());
        each_head([&](std::size_t m) {
            product(t, d, t, square(p, m).transposed(), result(dy), value(d_qkv));
            product(t, d, t, square(d_scores, m), key(qkv), query(d_qkv));
            product(t, d, t, square(d_scores, m).transposed(), query(qkv), key(d_qkv));
        });
    }

private:
    int matrices() const { return shape.sequences * shape.heads; }
    template <class F>
    void each_head(F f) {
        for (sequence = 0; sequence < shape.sequences; ++sequence)
            for (head = 0; head < shape.heads; ++head) f(count(sequence * shape.heads + head));
    }
    template <class T>
    view<T> square(const tensor<T>& x, std::size_t m) const {
        return {x.data() + m * t * t, t};
    }
    view<Real> part(const tensor<Real>& qkv, int which) const {
        const std::size_t row = 3 * count(shape.channels);
        return {qkv.data() + count(sequence) * t * row + count(which, shape.channels) + count(head) * d, row};
    }
    view<Real> query(const tensor<Real>& qkv) const { return part(qkv, 0); }
    view<Real> key(const tensor<Real>& qkv) const { return part(qkv, 1); }
    view<Real> value(const tensor<Real>& qkv) const { return part(qkv, 2); }
    view<Real> result(const tensor<Real>& y) const {
        return {y.data() + count(sequence) * t * count(shape.channels) + count(head) * d, count(shape.channels)};
    }

    attention_shape shape;
    std::size_t t, d;
    tensor<float> scores, dp;
    tensor<Real> p, d_scores;
    tensor<float> dots;
    float factor;
    int sequence = 0, head = 0;
};

TYPED_TEST_SUITE(precision, precisions);

/// Bounds: of magnitudes, in float 2^-20; in bf16 2^-7, for p, y and d_scores are each rounded to 2^-8 on the way, and errors of
/// many terms partly cancel.
TYPED_TEST(precision, attention) {
    for (const attention_shape s :
         {attention_shape{1, 1, 1, 1}, {2, 17, 3, 3 * 5}, {2, 40, 2, 2 * 16}, {1, 200, 1, 8}}) {
        const auto qkv = random<TypeParam>(count(s.rows(), 3 * s.channels), 1);
        const auto dy = random<TypeParam>(count(s.rows(), s.channels), 2);
        tensor<TypeParam> y(dy.size()), d_qkv(qkv.size());
        tensor<float> log_sum(count(s.rows(), s.heads));
        attention<TypeParam> device(s);
        device.forward(qkv, y, log_sum);
        device.backward(qkv, y, dy, log_sum, d_qkv);
        std::vector<double> ey(y.size()), es(log_sum.size()), ed(d_qkv.size());
        reference.attention_forward(s, exact(qkv).data(), ey.data(), es.data());
        reference.attention_backward(s, exact(qkv).data(), ey.data(), exact(dy).data(), es.data(), ed.data());
        const double steps = (std::is_same_v<TypeParam, bf16> ? 0x1p-7 : 0x1p-20) / unit<float>;
        const std::string what = std::to_string(s.tokens) + " tokens";
        expect_close(log_sum, es, 8, "log_sum, " + what, 8);
        expect_close(y, ey, steps, "y, " + what);
        expect_close(d_qkv, ed, steps, "d_qkv, " + what);
    }
}

}  // namespace
}  // namespace chimera::emulated
