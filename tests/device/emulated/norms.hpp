// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/device/emulated/support.hpp"

namespace chimera::emulated {

inline executor::reference_device<double> reference;

inline std::string text(const row_shape& s) { return std::to_string(s.rows) + " x " + std::to_string(s.columns); }

/// What a norm's backward is given. Statistics are not those of x: nothing depends on that.
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

}  // namespace chimera::emulated
