// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/device/cuda/kernels/each.cuh"

namespace chimera::executor::gpu {

/// In double: at position 10⁵ an angle in float is off by 0.01.
struct rotary_table_work {
    int half;
    double base;
    float* table;
    template <int Width>
    __device__ void at(std::size_t first) const {
        for (std::size_t i = first; i < first + Width; ++i) {
            const std::size_t token = i / size(half), pair = i % size(half);
            const double angle = static_cast<double>(token) * pow(base, -static_cast<double>(pair) / half);
            table[2 * i] = static_cast<float>(cos(angle));
            table[2 * i + 1] = static_cast<float>(sin(angle));
        }
    }
};

/// Elements are counted over [rows, 2 (queries, keys), heads, half]; each stands for itself and its partner `half` further on.
/// direction -1 turns back, which is the transpose and so the gradient.
template <class Real>
struct rotary_work {
    int tokens, half, channels;
    float direction;
    const float* table;
    Real* qkv;
    template <int Width>
    __device__ void at(std::size_t element) const {
        const std::size_t h = size(half), c = size(channels);
        const std::size_t row = element / c, in_row = element % c;  // 2 · heads · half are as many as channels
        const std::size_t pair = in_row % h, head = in_row / h;
        Real* x = qkv + row * 3 * c + head * 2 * h + pair;
        const float* turn = table + 2 * (row % size(tokens) * h + pair);
        pack<Width> a = load<Width>(x), b = load<Width>(x + h);
        const pack<2 * Width> t = load<2 * Width>(turn);
        for (int i = 0; i < Width; ++i) {
            const float cosine = t[2 * i], sine = direction * t[2 * i + 1], first = a[i];
            a[i] = first * cosine - b[i] * sine;
            b[i] = first * sine + b[i] * cosine;
        }
        store(x, a);
        store(x + h, b);
    }
};

}  // namespace chimera::executor::gpu
