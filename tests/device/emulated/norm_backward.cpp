// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/columns.cu>
#include <executor/device/cuda/kernels/norm_backward.cu>
#include "tests/device/emulated/norms.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

/// Teams of 1 to 16 warps, several of them to a block or one, in whole rounds of rows or not; groups of rows, one and several; and
/// rows too long for a team.
const row_shape backward_shapes[] = {{1, 1},    {3, 7},    {17, 31},  {150, 33},  {19, 264}, {37, 768}, {9, 1000},
                                     {7, 1280}, {5, 1600}, {3, 1601}, {18, 3072}, {3, 4096}, {2, 5001}, {1, 16800}};

TYPED_TEST(precision, norm_backward_input) {
    for (const row_shape& s : backward_shapes)
        for (const bool with_residual : {false, true}) {
            const norm_case<TypeParam> c(s);
            const TypeParam* residual = with_residual ? c.residual.data() : nullptr;
            const auto [dx] = in_every_order([&] {
                std::tuple out(tensor<TypeParam>(s.size()));
                gpu::norm_backward_input(nullptr, s, c.dy.data(), c.x.data(), c.scale.data(), c.mean.data(),
                                         c.inverse.data(), residual, std::get<0>(out).data());
                return out;
            });
            std::vector<double> expected(s.size());
            reference.norm_backward_input(s, exact(c.dy).data(), exact(c.x).data(), exact(c.scale).data(),
                                          exact(c.mean).data(), exact(c.inverse).data(),
                                          residual ? exact(c.residual).data() : nullptr, expected.data());
            expect_close(dx, expected, 16, "dx " + text(s), 4);
            tensor<TypeParam> in_place = c.dy;
            gpu::norm_backward_input(nullptr, s, in_place.data(), c.x.data(), c.scale.data(), c.mean.data(),
                                     c.inverse.data(), residual, in_place.data());
            EXPECT_TRUE(same_bits(dx, in_place)) << "in place, " << text(s);
        }
}

/// Sums of `rows` terms of about `size`, in float.
void expect_sums(const tensor<float>& actual, const std::vector<double>& expected, int rows, const std::string& what,
                 double size = 1) {
    expect_close(actual, expected, 8, what, 4 * size * std::sqrt(rows));
}

std::vector<double> column_sums(const std::vector<double>& x, std::vector<double> sums) {
    for (std::size_t i = 0; i < x.size(); ++i) sums[i % sums.size()] += x[i];
    return sums;
}

/// All that a norm's backward leaves: dx, and the sums for scale, shift, residual and dx.
template <class T>
struct backward_results {
    tensor<T> dx;
    tensor<float> scale, shift, residual, out;
    explicit backward_results(const row_shape& s)
        : dx(s.size()), scale(random<float>(count(s.columns), 11)), shift(random<float>(count(s.columns), 12)),
          residual(random<float>(count(s.columns), 13)), out(random<float>(count(s.columns), 14)) {}
    auto all() && {
        return std::tuple(std::move(dx), std::move(scale), std::move(shift), std::move(residual), std::move(out));
    }
};

template <class T>
auto at_once(const norm_case<T>& c, bool biases, bool add) {
    backward_results<T> r(c.shape);
    const auto workspace = poisoned(gpu::columns_workspace(c.shape));
    gpu::norm_backward(
        nullptr, c.shape, c.dy.data(), c.x.data(), c.scale.data(), c.mean.data(), c.inverse.data(), c.residual.data(),
        r.dx.data(),
        {r.scale.data(), r.shift.data(), biases ? r.residual.data() : nullptr, biases ? r.out.data() : nullptr, add},
        workspace.data());
    return std::move(r).all();
}

template <class T>
auto one_by_one(const norm_case<T>& c, bool biases, bool add) {
    backward_results<T> r(c.shape);
    const auto workspace = poisoned(gpu::columns_workspace(c.shape));
    gpu::norm_backward_input(nullptr, c.shape, c.dy.data(), c.x.data(), c.scale.data(), c.mean.data(), c.inverse.data(),
                             c.residual.data(), r.dx.data());
    gpu::norm_backward_parameters(nullptr, c.shape, c.dy.data(), c.x.data(), c.mean.data(), c.inverse.data(),
                                  r.scale.data(), r.shift.data(), add, workspace.data());
    if (biases) {
        gpu::column_sums(nullptr, c.shape, c.residual.data(), r.residual.data(), add, workspace.data());
        gpu::column_sums(nullptr, c.shape, r.dx.data(), r.out.data(), add, workspace.data());
    }
    return std::move(r).all();
}

/// A schedule may split the backward or not: the same bits.
TYPED_TEST(precision, norm_backward_at_once_or_one_by_one) {
    for (const row_shape& s : backward_shapes)
        for (const std::size_t shift : shifts)
            for (const bool biases : {false, true}) {
                const norm_case<TypeParam> c(s, shift);
                const auto run = [&] { return at_once(c, biases, biases); };
                const auto first = biases && !shift ? in_every_order(run) : run();
                const auto second = one_by_one(c, biases, biases);
                const std::string where = text(s) + (shift ? ", not aligned" : "");
                EXPECT_TRUE(same_bits(std::get<0>(first), std::get<0>(second))) << "dx, " << where;
                EXPECT_TRUE(same_bits(std::get<1>(first), std::get<1>(second))) << "d_scale, " << where;
                EXPECT_TRUE(same_bits(std::get<2>(first), std::get<2>(second))) << "d_shift, " << where;
                EXPECT_TRUE(same_bits(std::get<3>(first), std::get<3>(second))) << "of residual, " << where;
                EXPECT_TRUE(same_bits(std::get<4>(first), std::get<4>(second))) << "of dx, " << where;
            }
}

TYPED_TEST(precision, norm_backward_of_all) {
    for (const row_shape& s : backward_shapes)
        for (const bool add : {false, true}) {
            const norm_case<TypeParam> c(s);
            const backward_results<TypeParam> old(s);
            const auto start = [&](const tensor<float>& x) {
                return add ? exact(x) : std::vector<double>(count(s.columns));
            };
            const auto [dx, scale, shift, residual, out] = at_once(c, true, add);
            std::vector<double> ex(s.size()), es = start(old.scale), eh = start(old.shift);
            const auto dy = exact(c.dy), x = exact(c.x), mean = exact(c.mean), inverse = exact(c.inverse);
            reference.norm_backward_input(s, dy.data(), x.data(), exact(c.scale).data(), mean.data(), inverse.data(),
                                          exact(c.residual).data(), ex.data());
            reference.norm_backward_parameters(s, dy.data(), x.data(), mean.data(), inverse.data(), es.data(),
                                               eh.data(), add);
            expect_close(dx, ex, 16, "dx " + text(s), 4);
            expect_sums(scale, es, s.rows, "d_scale " + text(s));
            expect_sums(shift, eh, s.rows, "d_shift " + text(s));
            expect_sums(residual, column_sums(exact(c.residual), start(old.residual)), s.rows, "residual " + text(s));
            expect_sums(out, column_sums(exact(dx), start(old.out)), s.rows, "sums of dx " + text(s), 2);
        }
}

/// As the layers call it: dx takes the place of dy, or of the residual.
TYPED_TEST(precision, norm_backward_in_place) {
    for (const row_shape& s : {row_shape{37, 768}, {5, 1601}, {2, 5001}}) {
        const norm_case<TypeParam> c(s);
        const auto apart = at_once(c, true, false);
        for (const bool in_residual : {false, true}) {
            const norm_case<TypeParam> again(s);
            backward_results<TypeParam> r(s);
            const auto workspace = poisoned(gpu::columns_workspace(s));
            TypeParam* const dx = in_residual ? again.residual.data() : again.dy.data();
            gpu::norm_backward(nullptr, s, again.dy.data(), again.x.data(), again.scale.data(), again.mean.data(),
                               again.inverse.data(), again.residual.data(), dx,
                               {r.scale.data(), r.shift.data(), r.residual.data(), r.out.data()}, workspace.data());
            EXPECT_TRUE(same_bits(std::get<0>(apart), in_residual ? again.residual : again.dy)) << text(s);
            EXPECT_TRUE(same_bits(std::get<3>(apart), r.residual)) << text(s);
            EXPECT_TRUE(same_bits(std::get<4>(apart), r.out)) << text(s);
        }
    }
}

/// What y = x · inverse · scale gives by the chain rule, with inverse a function of x.
TYPED_TEST(precision, rms_backward) {
    for (const row_shape& s : backward_shapes) {
        const norm_case<TypeParam> c(s);
        const auto [dx, d_scale] = in_every_order([&] {
            std::tuple out(tensor<TypeParam>(s.size()), tensor<float>(count(s.columns)));
            gpu::rms_backward_input(nullptr, s, c.dy.data(), c.x.data(), c.scale.data(), c.inverse.data(),
                                    c.residual.data(), std::get<0>(out).data());
            const auto workspace = poisoned(gpu::columns_workspace(s));
            gpu::rms_backward_parameters(nullptr, s, c.dy.data(), c.x.data(), c.inverse.data(), std::get<1>(out).data(),
                                         false, workspace.data());
            return out;
        });
        std::vector<double> ex(s.size()), es(count(s.columns));
        const auto x = exact(c.x), dy = exact(c.dy), scale = exact(c.scale), inverse = exact(c.inverse);
        for (std::size_t r = 0; r < inverse.size(); ++r) {
            double inner = 0;
            const std::size_t first = r * es.size();
            for (std::size_t k = 0; k < es.size(); ++k) {
                inner += dy[first + k] * scale[k] * x[first + k];
                es[k] += dy[first + k] * x[first + k] * inverse[r];
            }
            for (std::size_t k = 0; k < es.size(); ++k)
                ex[first + k] = number(c.residual[first + k]) + inverse[r] * dy[first + k] * scale[k] -
                                std::pow(inverse[r], 3) * x[first + k] * inner / s.columns;
        }
        expect_close(dx, ex, 16, "dx " + text(s), 4);
        expect_close(d_scale, es, 8, "d_scale " + text(s), 4 * std::sqrt(s.rows));
    }
}

}  // namespace
}  // namespace chimera::emulated
