// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/cuda.hpp>
#include "tests/device/lab.hpp"

namespace chimera::executor::test {

inline bool gpu_is_there() { return !find_gpus().all.empty(); }

/// Device cuda, for tests over several devices.
template <class Real, bool deterministic>
struct on_cuda {
    using device = cuda_device<Real>;
    static std::unique_ptr<device> make() {
        if (!gpu_is_there()) return nullptr;
        return std::make_unique<device>(cuda_options{.deterministic = deterministic, .cache = {}});
    }
};

}  // namespace chimera::executor::test
