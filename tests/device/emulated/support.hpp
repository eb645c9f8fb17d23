// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/kernels/kernels.hpp>
#include <executor/device/reference/reference.hpp>
#include "tests/device/emulated/machine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace chimera::emulated {

using executor::attention_shape;
using executor::bf16;
using executor::embedding_shape;
using executor::row_shape;
namespace gpu = executor::gpu;

inline float number(float x) { return x; }
inline float number(bf16 x) { return executor::to_float(x); }
inline double number(double x) { return x; }
inline float number(std::int32_t x) { return static_cast<float>(x); }
template <class T>
T rounded(double x) {
    if constexpr (std::is_same_v<T, bf16>)
        return executor::to_bf16(static_cast<float>(x));
    else
        return static_cast<T>(x);
}

/// Memory like the device's: no more than asked for, so that the address sanitizer sees what lies outside; full of NaN at first.
/// `shift` elements move it off the 16-byte boundary.
template <class T>
class tensor {
public:
    explicit tensor(std::size_t n, std::size_t shift = 0)
        : memory_(static_cast<T*>(::operator new ((n + shift) * sizeof(T), std::align_val_t{16}))), size_(n),
          shift_(shift) {
        std::memset(static_cast<void*>(memory_.get()), 0xff, (n + shift) * sizeof(T));
    }
    tensor(const tensor& other) : tensor(other.size_, other.shift_) {
        std::memcpy(static_cast<void*>(data()), other.data(), bytes());
    }
    tensor(tensor&&) noexcept = default;
    T* data() const { return memory_.get() + shift_; }
    std::size_t size() const { return size_; }
    std::size_t bytes() const { return size_ * sizeof(T); }
    T& operator[](std::size_t i) const { return data()[i]; }

private:
    struct release {
        void operator()(T* at) const { ::operator delete (at, std::align_val_t{16}); }
    };
    std::unique_ptr<T, release> memory_;
    std::size_t size_, shift_;
};

/// Off the 16-byte boundary by so many elements.
inline constexpr std::size_t shifts[] = {0, 1};

inline std::size_t count(int a, int b = 1, int c = 1) {
    return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

/// Uniform numbers of the given mean and deviation, exact in `T`.
template <class T>
tensor<T> random(std::size_t n, unsigned seed, double deviation = 1, double mean = 0, std::size_t shift = 0) {
    std::minstd_rand bits(seed * 7919 + 1);
    bits.discard(8);
    tensor<T> result(n, shift);
    for (std::size_t i = 0; i < n; ++i)
        result[i] = rounded<T>(mean + deviation * std::sqrt(12.0) *
                                          (static_cast<double>(bits()) / static_cast<double>(bits.max()) - 0.5));
    return result;
}

/// Tokens where small numbers are frequent, as in text, and the largest occurs.
inline tensor<std::int32_t> random_tokens(std::size_t n, int vocabulary, unsigned seed) {
    std::minstd_rand bits(seed * 7919 + 1);
    bits.discard(8);
    tensor<std::int32_t> result(n);
    for (std::size_t i = 0; i < n; ++i) {
        const double u = static_cast<double>(bits()) / static_cast<double>(bits.max());
        result[i] = static_cast<std::int32_t>(u * u * u * (vocabulary - 1) + 0.5);
    }
    result[n / 2] = vocabulary - 1;
    return result;
}

template <class T>
tensor<std::byte> poisoned(T bytes) {
    return tensor<std::byte>(static_cast<std::size_t>(bytes));
}

template <class T>
std::vector<double> exact(const tensor<T>& x) {
    std::vector<double> result;
    for (std::size_t i = 0; i < x.size(); ++i) result.push_back(static_cast<double>(number(x[i])));
    return result;
}

/// Half the distance between neighbours, relative: what one rounding may cost.
template <class T>
inline constexpr double unit = 0;
template <>
inline constexpr double unit<float> = 0x1p-24;
template <>
inline constexpr double unit<bf16> = 0x1p-8;
template <>
inline constexpr double unit<double> = 0x1p-53;

inline double magnitude(const std::vector<double>& x) {
    double largest = 1e-30;
    for (const double v : x) largest = std::max(largest, std::abs(v));
    return largest;
}

/// Every element within one rounding of its type, plus `steps` roundings of a float as large as `scale` (0: the largest expected)
/// for what is computed before. NaN never passes.
template <class T>
void expect_close(const tensor<T>& actual, const std::vector<double>& expected, double steps, const std::string& what,
                  double scale = 0) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    const double slack = steps * unit<float> * (scale > 0 ? scale : magnitude(expected));
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const double error = std::abs(static_cast<double>(number(actual[i])) - expected[i]);
        const double allowed = unit<T> * std::abs(expected[i]) + slack;
        ASSERT_TRUE(error <= allowed) << what << " at " << i << ": " << number(actual[i]) << " against " << expected[i]
                                      << ", off by " << error << ", allowed " << allowed;
    }
}

template <class T>
bool same_bits(const tensor<T>& a, const tensor<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

template <class T>
void expect_same_bits(const tensor<T>& first, const tensor<T>& again, std::size_t output) {
    EXPECT_TRUE(same_bits(first, again)) << "output " << output
                                         << (run_order.blocks_reversed ? ", blocks reversed" : "")
                                         << (run_order.threads_reversed ? ", threads reversed" : "");
}

/// Calls `run`, which returns a tuple of outputs, in the plain order, again, and in the three orders that reverse blocks or threads:
/// always the same bits. Returns the outputs.
template <class F>
auto in_every_order(F run) {
    run_order = {};
    auto first = run();
    for (const order o : {order{false, false}, order{true, false}, order{false, true}, order{true, true}}) {
        run_order = o;
        const auto again = run();
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (expect_same_bits(std::get<I>(first), std::get<I>(again), I), ...);
        }
        (std::make_index_sequence<std::tuple_size_v<decltype(first)>>{});
    }
    run_order = {};
    return first;
}

template <class T>
struct precision : testing::Test {};
using precisions = testing::Types<float, bf16>;

}  // namespace chimera::emulated
