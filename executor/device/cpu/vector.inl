// SPDX-License-Identifier: Apache-2.0

// Sixteen floats at a time: reductions in one fixed order, and e^x, on whatever registers the instruction set has.

namespace chimera::executor::detail {
namespace {

using index = std::ptrdiff_t;
constexpr index lanes = 16;  // one AVX-512 register of floats; other sets use two or four registers in its place

typedef float vector __attribute__((vector_size(lanes * sizeof(float))));
typedef float vector_in_memory __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int mask __attribute__((vector_size(lanes * sizeof(int))));
typedef unsigned bits __attribute__((vector_size(lanes * sizeof(unsigned))));

typedef std::uint16_t halves __attribute__((vector_size(lanes * sizeof(std::uint16_t))));
typedef std::uint16_t halves_in_memory
    __attribute__((vector_size(lanes * sizeof(std::uint16_t)), aligned(sizeof(std::uint16_t)), may_alias));

constexpr mask lane_numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

CHIMERA_INLINE index rounded(index n) { return (n + lanes - 1) / lanes * lanes; }
/// Numbers as they are computed with, and back: rounded to nearest, ties to even, like to_bf16, whose inline functions
/// may not be used here.
CHIMERA_INLINE float widen(float x) { return x; }
CHIMERA_INLINE float widen(bf16 x) { return __builtin_bit_cast(float, static_cast<unsigned>(x.bits) << 16); }
CHIMERA_INLINE void put(float& y, float x) { y = x; }
CHIMERA_INLINE void put(bf16& y, float x) {
    const unsigned b = __builtin_bit_cast(unsigned, x);
    const unsigned nearest = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
    y.bits = static_cast<std::uint16_t>((b & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : nearest);
}

CHIMERA_INLINE vector load(const float* x) { return *reinterpret_cast<const vector_in_memory*>(x); }
CHIMERA_INLINE void store(float* y, vector x) { *reinterpret_cast<vector_in_memory*>(y) = x; }

CHIMERA_INLINE vector widen(halves x) { return __builtin_bit_cast(vector, __builtin_convertvector(x, bits) << 16); }
CHIMERA_INLINE vector load(const bf16* x) { return widen(*reinterpret_cast<const halves_in_memory*>(x)); }

/// The first `count` of x, then zeros.
CHIMERA_INLINE vector load(const float* x, index count) {
    if (count >= lanes) return load(x);
    vector result{};
    __builtin_memcpy(&result, x, static_cast<std::size_t>(count) * sizeof(float));
    return result;
}

CHIMERA_INLINE vector load(const bf16* x, index count) {
    if (count >= lanes) return load(x);
    halves result{};
    __builtin_memcpy(&result, x, static_cast<std::size_t>(count) * sizeof(bf16));
    return widen(result);
}

/// x in the lanes below `count`, `other` in the rest.
CHIMERA_INLINE vector choose(index count, vector x, vector other) {
    return lane_numbers < static_cast<int>(count) ? x : other;
}

CHIMERA_INLINE vector larger(vector a, vector b) { return a > b ? a : b; }

/// Halves a vector onto itself until lane 0 holds the result of all.
template <class F>
CHIMERA_INLINE float fold(vector x, F f) {
    x = f(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    x = f(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
    x = f(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
    x = f(x, __builtin_shufflevector(x, x, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0));
    return x[0];
}
CHIMERA_INLINE float sum(vector x) {
    return fold(x, [](vector a, vector b) CHIMERA_LAMBDA { return a + b; });
}

/// Σ term(i, count) for i below n in steps of 16: term gives the terms from i on, of which `count` (at most 16) are
/// valid.
template <class F>
CHIMERA_INLINE float sum_over(index n, F term) {
    vector total{};
    index i = 0;
    for (; i + lanes <= n; i += lanes) total += term(i, lanes);
    if (i < n) total += choose(n - i, term(i, n - i), vector{});
    return sum(total);
}

template <class Real>
CHIMERA_INLINE float largest_of(const Real* x, index n) {
    vector most = vector{} + widen(x[0]);
    index i = 0;
    for (; i + lanes <= n; i += lanes) most = larger(most, load(x + i));
    if (i < n) most = larger(most, choose(n - i, load(x + i, n - i), most));
    return fold(most, [](vector a, vector b) CHIMERA_LAMBDA { return larger(a, b); });
}

CHIMERA_INLINE float power_of_two(float shifted) {
    return __builtin_bit_cast(float, (__builtin_bit_cast(unsigned, shifted) + 127u) << 23);
}
CHIMERA_INLINE vector power_of_two(vector shifted) {
    return __builtin_bit_cast(vector, (__builtin_bit_cast(bits, shifted) + 127u) << 23);
}

/// e^x within 2 ulp, of a float or of a vector (Cephes' expf polynomial); saturates instead of overflowing or reaching
/// zero.
template <class T>
CHIMERA_INLINE T exponential(T x) {
    const T low = T{} - 87.f, high = T{} + 88.f;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const T shifted = x * 1.44269504f + 12582912.f;  // 1.5 · 2²³: the integer lands in the low bits
    const T whole = shifted - 12582912.f;
    const T r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    T p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    return p * power_of_two(shifted);
}

}  // namespace
}  // namespace chimera::executor::detail
