// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/cuda.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace chimera::bench {

/// Elements of a device's memory.
template <class T>
T* elements(const executor::device_memory& m) {
    return reinterpret_cast<T*>(m.data());
}

template <class T, class Real>
executor::device_memory room_on(executor::cuda_device<Real>& device, std::size_t n) {
    return device.allocate(std::max<std::size_t>(1, n) * sizeof(T));
}

/// `n` random numbers of mean 0 and that width in the device's memory; the first 2²⁰ are drawn, the rest repeat them.
template <class Real>
executor::device_memory random_on(executor::cuda_device<Real>& device, std::size_t n, float width = 1) {
    std::minstd_rand bits(1);
    std::vector<Real> host(std::min<std::size_t>(n, 1 << 20));
    for (Real& x : host)
        x = executor::rounded<Real>(width * (static_cast<float>(bits()) / static_cast<float>(bits.max()) - 0.5F));
    executor::device_memory made = room_on<Real>(device, n);
    Real* const to = elements<Real>(made);
    device.upload(to, host.data(), host.size() * sizeof(Real));
    for (std::size_t have = host.size(); have < n; have *= 2) device.copy(to + have, to, std::min(have, n - have));
    device.finish();
    return made;
}

}  // namespace chimera::bench
