// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/kernels/rows.cu"
#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

executor::reference_device<double> reference;

/// One for each way to hold a row: in registers once, twice, four times, not at all; and element by element.
template <class T>
std::vector<row_shape> row_shapes() {
    const int width = gpu::lanes<T>;
    return {{1, 1},           {3, 7},           {5, 17},           {3, 1000},         {4, 768},
            {2, 257 * width}, {2, 520 * width}, {1, 2048 * width}, {1, 2100 * width}, {1, 2100 * width + 1}};
}

std::string text(const row_shape& s) { return std::to_string(s.rows) + " x " + std::to_string(s.columns); }

template <class T>
struct norm_case {
    explicit norm_case(const row_shape& s, std::size_t shift = 0)
        : shape(s), x(random<T>(s.size(), 1, 1, 0.5, shift)), dy(random<T>(s.size(), 2)),
          residual(random<T>(s.size(), 3)), scale(random<T>(count(s.columns), 4, 0.2, 1)),
          moved(random<T>(count(s.columns), 5)), mean(count(s.rows)), inverse(count(s.rows)) {
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] = 0.4f + 0.01f * static_cast<float>(i % 16), inverse[i] = 0.9f + 0.02f * static_cast<float>(i % 16);
    }
    row_shape shape;
    tensor<T> x, dy, residual, scale, moved;
    tensor<float> mean, inverse;
};

TYPED_TEST(precision, norm_forward) {
    for (const row_shape& s : row_shapes<TypeParam>())
        for (const std::size_t shift : shifts) {
            const norm_case<TypeParam> c(s, shift);
            const auto [y, mean, inverse] = in_every_order([&] {
                std::tuple out(tensor<TypeParam>(s.size()), tensor<float>(count(s.rows)), tensor<float>(count(s.rows)));
                gpu::norm_forward(nullptr, s, c.x.data(), c.scale.data(), c.moved.data(), std::get<0>(out).data(),
                                  std::get<1>(out).data(), std::get<2>(out).data());
                return out;
            });
            std::vector<double> ey(s.size()), em(count(s.rows)), ei(count(s.rows));
            reference.norm_forward(s, exact(c.x).data(), exact(c.scale).data(), exact(c.moved).data(), ey.data(),
                                   em.data(), ei.data());
            // A single element has no variance: its deviation from its own mean is all rounding, times 316.
            const double steps = s.columns == 1 ? 400 : 16;
            expect_close(mean, em, 8, "mean " + text(s));
            expect_close(inverse, ei, 16, "inverse " + text(s));
            expect_close(y, ey, steps, "y " + text(s));
        }
}

TYPED_TEST(precision, norm_backward_input) {
    for (const row_shape& s : row_shapes<TypeParam>())
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

const row_shape column_shapes[] = {{1, 1}, {17, 8}, {9, 17}, {129, 24}, {1000, 17}, {1300, 40}, {70, 1000}, {3, 264}};

TYPED_TEST(precision, norm_backward_parameters) {
    for (const row_shape& s : column_shapes)
        for (const bool add : {false, true}) {
            const norm_case<TypeParam> c(s);
            const auto old_scale = random<float>(count(s.columns), 8), old_shift = random<float>(count(s.columns), 9);
            const auto [d_scale, d_shift] = in_every_order([&] {
                std::tuple out(add ? old_scale : tensor<float>(count(s.columns)),
                               add ? old_shift : tensor<float>(count(s.columns)));
                const auto workspace = poisoned(gpu::columns_workspace(s));
                gpu::norm_backward_parameters(nullptr, s, c.dy.data(), c.x.data(), c.mean.data(), c.inverse.data(),
                                              std::get<0>(out).data(), std::get<1>(out).data(), add, workspace.data());
                return out;
            });
            std::vector<double> es = exact(old_scale), eh = exact(old_shift);
            reference.norm_backward_parameters(s, exact(c.dy).data(), exact(c.x).data(), exact(c.mean).data(),
                                               exact(c.inverse).data(), es.data(), eh.data(), add);
            expect_close(d_scale, es, 8, "d_scale " + text(s), 4 * std::sqrt(s.rows));
            expect_close(d_shift, eh, 8, "d_shift " + text(s), 4 * std::sqrt(s.rows));
        }
}

TYPED_TEST(precision, column_sums) {
    for (const row_shape& s : column_shapes)
        for (const bool add : {false, true}) {
            const auto dy = random<TypeParam>(s.size(), 1);
            const auto old = random<float>(count(s.columns), 2);
            const auto [sums] = in_every_order([&] {
                std::tuple out(add ? old : tensor<float>(count(s.columns)));
                const auto workspace = poisoned(gpu::columns_workspace(s));
                gpu::column_sums(nullptr, s, dy.data(), std::get<0>(out).data(), add, workspace.data());
                return out;
            });
            std::vector<double> expected = add ? exact(old) : std::vector<double>(count(s.columns));
            for (std::size_t i = 0; i < dy.size(); ++i) expected[i % expected.size()] += number(dy[i]);
            expect_close(sums, expected, 8, text(s), 4 * std::sqrt(s.rows));
        }
}

TYPED_TEST(precision, rms_forward) {
    for (const row_shape& s : row_shapes<TypeParam>()) {
        const norm_case<TypeParam> c(s);
        const auto [y, inverse] = in_every_order([&] {
            std::tuple out(tensor<TypeParam>(s.size()), tensor<float>(count(s.rows)));
            gpu::rms_forward(nullptr, s, c.x.data(), c.scale.data(), std::get<0>(out).data(), std::get<1>(out).data());
            return out;
        });
        std::vector<double> ey(s.size()), ei(count(s.rows));
        for (std::size_t r = 0; r < ei.size(); ++r) {
            const std::size_t first = r * count(s.columns);
            for (std::size_t k = 0; k < count(s.columns); ++k)
                ei[r] += std::pow(static_cast<double>(number(c.x[first + k])), 2) / s.columns;
            ei[r] = 1 / std::sqrt(ei[r] + executor::norm_epsilon);
            for (std::size_t k = 0; k < count(s.columns); ++k)
                ey[first + k] = number(c.x[first + k]) * ei[r] * number(c.scale[k]);
        }
        expect_close(inverse, ei, 16, "inverse " + text(s));
        expect_close(y, ey, 16, "y " + text(s));
    }
}

/// What y = x · inverse · scale gives by the chain rule, with inverse a function of x.
TYPED_TEST(precision, rms_backward) {
    for (const row_shape& s : row_shapes<TypeParam>()) {
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
