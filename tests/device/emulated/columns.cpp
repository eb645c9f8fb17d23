// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/columns.cu>
#include "tests/device/emulated/norms.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

const row_shape column_shapes[] = {{1, 1},   {17, 8},   {9, 17},    {129, 24},  {1000, 17}, {1300, 40}, {70, 1000},
                                   {3, 264}, {35, 768}, {19, 1600}, {40, 1601}, {33, 3072}, {18, 4096}, {2500, 33}};

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

TYPED_TEST(precision, gelu_backward_with_sums) {
    for (const row_shape& s : column_shapes)
        for (const bool add : {false, true}) {
            const auto x = random<TypeParam>(s.size(), 1), dy = random<TypeParam>(s.size(), 2);
            const auto old = random<float>(count(s.columns), 3);
            const auto run = [&](bool sums) {
                std::tuple out(tensor<TypeParam>(s.size()), add ? old : tensor<float>(count(s.columns)));
                const auto workspace = poisoned(gpu::columns_workspace(s, 1));
                gpu::gelu_backward(nullptr, s, x.data(), dy.data(), std::get<0>(out).data(),
                                   sums ? std::get<1>(out).data() : nullptr, add, workspace.data());
                return out;
            };
            const auto [dx, sums] = in_every_order([&] { return run(true); });
            std::vector<double> ex(s.size());
            reference.gelu_backward(exact(x).data(), exact(dy).data(), ex.data(), ex.size());
            expect_close(dx, ex, 16, "dx " + text(s), 4);
            EXPECT_TRUE(same_bits(dx, std::get<0>(run(false)))) << text(s);
            tensor<float> again = add ? old : tensor<float>(count(s.columns));
            const auto workspace = poisoned(gpu::columns_workspace(s, 1));
            gpu::column_sums(nullptr, s, dx.data(), again.data(), add, workspace.data());
            EXPECT_TRUE(same_bits(sums, again)) << text(s);
            tensor<TypeParam> in_place = x;
            gpu::gelu_backward(nullptr, s, in_place.data(), dy.data(), in_place.data(), static_cast<float*>(nullptr),
                               add, workspace.data());
            EXPECT_TRUE(same_bits(dx, in_place)) << "in place, " << text(s);
        }
}

/// The first pass over the rows that training has is enough work for 132 processors, with room for 16 warps each.
TEST(column_order, leaves_no_processor_idle) {
    for (const int rows : {8192, 16384, 32768, 10007})
        for (const int columns : {768, 1024, 1280, 1600, 2048, 3072, 4096, 16384}) {
            const gpu::column_order order = gpu::column_order_of({rows, columns});
            const int warps = gpu::team_warps(columns) * order.ways;
            EXPECT_GE(order.groups * warps, 132 * 10) << rows << " x " << columns;
            EXPECT_LE(warps, 16);
            EXPECT_GE(order.groups * order.group_rows, rows);
            EXPECT_LT((order.groups - 1) * order.group_rows, rows) << "a group without rows";
        }
}

}  // namespace
}  // namespace chimera::emulated
