// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/wide.hpp>
#include "tests/device/support.hpp"

#include <cmath>
#include <deque>
#include <limits>
#include <type_traits>

namespace chimera::executor::test {

/// How far a result may be from the oracle's, relative to its largest element: `sums` roundings to fp32 (2⁻²⁴), and `stores`
/// roundings to the device's own type, which are 2⁻⁸ in bf16.
struct allowed {
    double sums = 0, stores = 0;
};

template <class Real>
inline constexpr double half_step = std::is_same_v<Real, bf16> ? 0x1p-8 : 0x1p-24;

template <class Real>
double to_double(Real x) {
    if constexpr (std::is_same_v<Real, bf16>)
        return static_cast<double>(to_float(x));
    else
        return static_cast<double>(x);
}

/// A result as it was read from the device.
struct finding {
    std::vector<double> values;
    allowed limit;
};

/// A device with memory on it that a test fills and reads; works the same on the host and off it. What `numbers` makes is rounded
/// to Input, the type of the device under test, so that the oracle starts from the same values.
template <class D, class Input = typename D::real>
class lab {
public:
    using real = typename D::real;
    using wide = typename D::wide;

    explicit lab(D& d) : device(d) {}

    D& device;
    std::vector<finding> found;

    /// Random, of mean 0.
    real* numbers(std::size_t n, unsigned seed, float deviation = 1) {
        return given<real>(n, [&, x = random<float>(n, seed, deviation)](std::size_t i) {
            return static_cast<float>(to_double(rounded<Input>(x[i])));
        });
    }
    wide* wides(std::size_t n, unsigned seed, float deviation = 1) {
        return given<wide>(n, [x = random<float>(n, seed, deviation)](std::size_t i) { return x[i]; });
    }
    /// What an operation is to overwrite.
    real* empty(std::size_t n) { return poisoned<real>(n); }
    wide* empty_wide(std::size_t n) { return poisoned<wide>(n); }
    double* empty_doubles(std::size_t n) { return poisoned<double>(n); }
    const std::int32_t* tokens(int n, int vocabulary, unsigned seed) {
        return place(random_tokens(n, vocabulary, seed));
    }
    template <class T>
    T* place(const std::vector<T>& x) {
        T* const at = room<T>(x.size());
        device.upload(at, x.data(), x.size() * sizeof(T));
        return at;
    }

    template <class T>
    void give(const T* x, std::size_t n, allowed limit) {
        std::vector<T> host(n);
        device.download(host.data(), x, n * sizeof(T));
        found.push_back({{}, limit});
        for (const T v : host) found.back().values.push_back(to_double(v));
    }

private:
    template <class T>
    T* room(std::size_t n) {
        memory_.push_back(device.allocate(std::max<std::size_t>(1, n) * sizeof(T)));
        return reinterpret_cast<T*>(memory_.back().data());
    }
    template <class T, class F>
    T* given(std::size_t n, F f) {
        std::vector<T> host(n);
        for (std::size_t i = 0; i < n; ++i) host[i] = rounded<T>(f(i));
        return place(host);
    }
    template <class T>
    T* poisoned(std::size_t n) {
        std::vector<T> host(n);
        std::memset(static_cast<void*>(host.data()), 0xff, n * sizeof(T));  // NaN in every type
        return place(host);
    }

    std::deque<typename D::memory> memory_;
};

/// Runs `operation` (lab → nothing, giving what it found) on the oracle and on a device, and compares.
template <class D, class Operation>
void conform(D& device, const std::string& what, Operation operation) {
    using real = typename D::real;
    reference_device<double> exact;
    lab<reference_device<double>, real> expected(exact);
    lab<D> actual(device);
    operation(expected);
    operation(actual);
    ASSERT_EQ(actual.found.size(), expected.found.size());
    for (std::size_t i = 0; i < actual.found.size(); ++i) {
        const finding& f = actual.found[i];
        expect_near<double, double>(f.values, expected.found[i].values,
                                    f.limit.sums * 0x1p-24 + f.limit.stores * half_step<real>,
                                    what + " output " + std::to_string(i));
    }
}

}  // namespace chimera::executor::test
