// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/rows.cu>
#include "tests/device/emulated/norms.hpp"

namespace chimera::emulated {
namespace {

TYPED_TEST_SUITE(precision, precisions);

/// One for each way to hold a row: by a warp, one to eight packs a lane; by a block, twice, four times, not at all; element by element.
template <class T>
std::vector<row_shape> row_shapes() {
    const int width = gpu::lanes<T>;
    return {{1, 1},           {3, 7},           {5, 17},           {9, 31},
            {17, 33},         {3, 1000},        {10, 768},         {3, 1600},
            {2, 1601},        {9, 32 * width},  {2, 64 * width},   {3, 128 * width},
            {2, 256 * width}, {2, 257 * width}, {2, 520 * width},  {1, 2048 * width},
            {3, 4096},        {1, 5001},        {1, 2100 * width}, {1, 2100 * width + 1}};
}

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

/// Rows of up to 2048 columns in bf16, 1024 in fp32, are one warp's each: none waits for another.
TYPED_TEST(precision, norm_forward_without_barriers) {
    for (const int columns : {256, 768, 1024, 256 * gpu::lanes<TypeParam>}) {
        const norm_case<TypeParam> c({9, columns});
        const tensor<TypeParam> y(c.x.size());
        gpu::norm_forward(nullptr, c.shape, c.x.data(), c.scale.data(), c.moved.data(), y.data(), c.mean.data(),
                          c.inverse.data());
        EXPECT_EQ(the_machine.block_epoch(), 0u) << columns;
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

}  // namespace
}  // namespace chimera::emulated
