// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/kernels/each.cuh>

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

/// A row's columns are counted over [2 (queries, keys), heads, half]; each stands for itself and its partner `half`
/// further on. direction -1 turns back, which is the transpose and so the gradient.
template <class Real>
struct rotary_work {
    int tokens, half, channels;
    float direction;
    const float* table;
    Real* qkv;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const int pair = c % half, head = c / half, token = static_cast<int>(row % static_cast<unsigned>(tokens));
        Real* x = qkv + row * size(3 * channels) + 2 * head * half + pair;
        const float* turn = table + 2 * (size(token) * size(half) + size(pair));
        pack<Width> a = load<Width>(x), b = load<Width>(x + half);
        const pack<2 * Width> t = load<2 * Width>(turn);
        for (int i = 0; i < Width; ++i) {
            const float cosine = t[2 * i], sine = direction * t[2 * i + 1], first = a[i];
            a[i] = first * cosine - b[i] * sine;
            b[i] = first * sine + b[i] * cosine;
        }
        store(x, a);
        store(x + half, b);
    }
};

}  // namespace chimera::executor::gpu
