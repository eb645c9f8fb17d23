// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cpu/cpu.hpp>
#include <executor/device/cpu/cpu_kernels.hpp>
#include <executor/device/reference/reference.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor::test {

/// A tensor in aligned memory; fresh ones are poisoned with NaN, so that what an operation leaves out shows.
template <class Real>
class tensor {
public:
    explicit tensor(std::size_t n) : memory_(n * sizeof(Real)), size_(n) {
        std::fill_n(data(), n, std::numeric_limits<Real>::quiet_NaN());
    }
    Real* data() const { return reinterpret_cast<Real*>(memory_.data()); }
    std::size_t size() const { return size_; }
    std::span<Real> all() const { return {data(), size_}; }
    Real& operator[](std::size_t i) const { return data()[i]; }

private:
    host_memory memory_;
    std::size_t size_;
};

/// Uniform numbers of mean 0, rounded to fp32 so that every device starts from the same values.
template <class Real>
tensor<Real> random(std::size_t n, unsigned seed, float deviation = 1) {
    std::minstd_rand bits(seed);
    bits.discard(8);
    tensor<Real> result(n);
    const float width = deviation * 3.4641016f / static_cast<float>(bits.max());
    for (Real& v : result.all())
        v = static_cast<Real>(width * (static_cast<float>(bits()) - 0.5f * static_cast<float>(bits.max())));
    return result;
}

inline std::vector<std::int32_t> random_tokens(int n, int vocabulary, unsigned seed) {
    std::minstd_rand bits(seed);
    bits.discard(8);
    std::vector<std::int32_t> result;
    for (int i = 0; i < n; ++i)
        result.push_back(static_cast<std::int32_t>(bits() % static_cast<unsigned long>(vocabulary)));
    return result;
}

/// Largest magnitude, at least `floor`.
template <class Real>
double magnitude(std::span<const Real> x, double floor = 0) {
    for (const Real v : x) floor = std::max(floor, std::abs(static_cast<double>(v)));
    return floor;
}

/// Every element within `tolerance` times the largest expected magnitude; NaN never passes.
template <class A, class B>
void expect_near(std::span<const A> actual, std::span<const B> expected, double tolerance, const std::string& what) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    const double limit = tolerance * magnitude(expected, 1e-30);
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const double error = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
        ASSERT_TRUE(error <= limit) << what << " differs at " << i << ": " << actual[i] << " against " << expected[i]
                                    << ", allowed " << limit;
    }
}

template <class Real>
bool same_bits(std::span<const Real> a, std::span<const Real> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace chimera::executor::test
