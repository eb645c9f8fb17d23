// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace chimera::executor {

/// Linear warm-up to `peak` over `warmup` steps, then a cosine down to `least` at step `steps` (Loshchilov and Hutter,
/// SGDR, arXiv 1608.03983, without restarts). Steps count from 0; the first has peak / warmup.
struct learning_rate {
    double peak = 0;
    double least = 0;
    std::int64_t warmup = 0;
    std::int64_t steps = 1;

    double at(std::int64_t step) const {
        if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
        if (step >= steps || steps <= warmup) return least;
        const double done = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
        return least + 0.5 * (peak - least) * (1 + std::cos(3.14159265358979323846 * done));
    }
};

}  // namespace chimera::executor
