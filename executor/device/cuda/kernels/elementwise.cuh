// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/kernels/approximate.cuh>
#include <executor/device/cuda/kernels/each.cuh>

namespace chimera::executor::gpu {

template <class Real>
struct fill_work {
    Real* y;
    float value;
    template <int Width>
    __device__ void at(std::size_t i) const {
        pack<Width> v;
        for (int k = 0; k < Width; ++k) v[k] = value;
        store(y + i, v);
    }
};

template <class To, class From>
struct cast_work {
    To* y;
    const From* x;
    template <int Width>
    __device__ void at(std::size_t i) const {
        store(y + i, load<Width>(x + i));
    }
};

template <class Real>
struct add_work {
    Real* y;
    const Real* x;
    template <int Width>
    __device__ void at(std::size_t i) const {
        pack<Width> sum = load<Width>(y + i);
        const pack<Width> v = load<Width>(x + i);
        for (int k = 0; k < Width; ++k) sum[k] += v[k];
        store(y + i, sum);
    }
};

template <class Real>
struct scale_work {
    Real* y;
    float factor;
    template <int Width>
    __device__ void at(std::size_t i) const {
        pack<Width> v = load<Width>(y + i);
        for (int k = 0; k < Width; ++k) v[k] *= factor;
        store(y + i, v);
    }
};

template <class Real>
struct gelu_work {
    const Real* x;
    Real* y;
    template <int Width>
    __device__ void at(std::size_t i) const {
        pack<Width> v = load<Width>(x + i);
        for (int k = 0; k < Width; ++k) v[k] = gelu<Real>(v[k]);
        store(y + i, v);
    }
};

template <class Real>
struct gelu_backward_work {
    const Real* x;
    const Real* dy;
    Real* dx;
    template <int Width>
    __device__ static pack<Width> gradient(const pack<Width>& v, pack<Width> d) {
        for (int k = 0; k < Width; ++k) d[k] *= gelu_slope<Real>(v[k]);
        return d;
    }
    template <int Width>
    __device__ void at(std::size_t i) const {
        store(dx + i, gradient(load<Width>(x + i), load<Width>(dy + i)));
    }
};

/// A row of x holds the gates, then what they are multiplied with.
template <class Real>
struct swiglu_work {
    const Real* x;
    Real* y;
    int columns;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const std::size_t i = row * size(columns) + size(c);
        const Real* gates = x + i + row * size(columns);
        const pack<Width> gate = load<Width>(gates);
        pack<Width> v = load<Width>(gates + columns);
        for (int k = 0; k < Width; ++k) v[k] *= gate[k] * sigmoid<Real>(gate[k]);
        store(y + i, v);
    }
};

template <class Real>
struct swiglu_backward_work {
    const Real* x;
    const Real* dy;
    Real* dx;
    int columns;
    template <int Width>
    __device__ void at(unsigned row, int c) const {
        const std::size_t i = row * size(columns) + size(c), gates = i + row * size(columns);
        pack<Width> gate = load<Width>(x + gates), up = load<Width>(x + gates + columns);
        const pack<Width> d = load<Width>(dy + i);
        for (int k = 0; k < Width; ++k) {
            const sigmoids s = both_sigmoids<Real>(gate[k]);
            const float silu = gate[k] * s.of_x;
            gate[k] = d[k] * up[k] * (s.of_x + silu * s.rest);
            up[k] = d[k] * silu;
        }
        store(dx + gates, gate);
        store(dx + gates + columns, up);
    }
};

}  // namespace chimera::executor::gpu
