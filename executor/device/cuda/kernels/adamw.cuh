// SPDX-License-Identifier: Apache-2.0
#pragma once

// Loshchilov & Hutter 2019, algorithm 2, with bias correction.

#include <executor/device/cuda/kernels/each.cuh>

namespace chimera::executor::gpu {

template <class Real>
struct adamw_work {
    Real* values;
    const float* gradients;
    float* master;  ///< may be the values
    float* m;
    float* v;
    adamw_numbers given;
    const adamw_numbers* on_device;  ///< null: the given ones

    template <int Width>
    __device__ void at(std::size_t i) const {
        const adamw_numbers s = on_device ? *on_device : given;
        const pack<Width> g = load<Width>(gradients + i);
        pack<Width> first = load<Width>(m + i), second = load<Width>(v + i), w = load<Width>(master + i);
        for (int k = 0; k < Width; ++k) {
            const float d = g[k] * s.gradient_scale;
            first[k] = s.beta_1 * first[k] + s.rest_1 * d;
            second[k] = s.beta_2 * second[k] + s.rest_2 * d * d;
            const float step = first[k] * s.correction_1 / (sqrtf(second[k] * s.correction_2) + s.epsilon);
            w[k] -= s.learning_rate * (step + s.weight_decay * w[k]);
        }
        store(m + i, first);
        store(v + i, second);
        store(master + i, w);
        if (static_cast<const void*>(values) != master) store(values + i, w);
    }
};

}  // namespace chimera::executor::gpu
