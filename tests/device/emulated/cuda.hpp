// SPDX-License-Identifier: Apache-2.0
#pragma once

// What device code needs of CUDA, for a plain C++ compiler. It stands in for the CUDA headers in
// executor/device/cuda/kernels/cuda.cuh, and stops where a kernel does what hardware would punish:
// barriers that not all threads reach, shared memory read before it is written or without a barrier in between,
// 16-byte accesses that are not aligned. Out-of-bounds accesses are for the address sanitizer.

#include <executor/device/bf16.hpp>
#include "tests/device/emulated/enqueue.hpp"
#include "tests/device/emulated/machine.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define threadIdx (::chimera::emulated::the_machine.now.thread)
#define blockIdx (::chimera::emulated::the_machine.now.block)
#define blockDim (::chimera::emulated::the_machine.now.threads)
#define gridDim (::chimera::emulated::the_machine.now.blocks)
#define CHIMERA_SHARED(Type, name, size) \
    const auto name =                    \
        ::chimera::emulated::shared_span<Type>(::chimera::emulated::shared_memory<Type, size>({__FILE__, __LINE__}))
#define CHIMERA_UNROLL

namespace chimera::emulated {

/// One element of shared memory, and who touched it since which barrier.
template <class T>
struct cell {
    static constexpr int nobody = -1, several = -2;
    struct touch {
        int thread = nobody, warp = nobody;
        unsigned block_epoch = 0, warp_epoch = 0;
        void note(const machine& m) {
            const bool fresh = thread == nobody || block_epoch != m.block_epoch();
            const int me = int(m.thread()), mine = int(m.warp());
            thread = fresh || thread == me ? me : several;
            warp = fresh || warp == mine ? mine : several;
            block_epoch = m.block_epoch(), warp_epoch = m.warp_epoch(m.warp());
        }
        /// Somebody else touched it, and no barrier has come between.
        bool races(const machine& m) const {
            if (thread == nobody || block_epoch != m.block_epoch() || thread == int(m.thread())) return false;
            return warp != int(m.warp()) || warp_epoch == m.warp_epoch(m.warp());
        }
    };
    T value{};
    touch written, read;

    T get() {
        machine& m = the_machine;
        if (written.thread == nobody) m.fail("shared memory read before it is written");
        if (written.races(m)) m.fail("race: shared memory read without a barrier after the write");
        read.note(m);
        return value;
    }
    void set(T v) {
        machine& m = the_machine;
        if (written.races(m)) m.fail("race: shared memory written twice without a barrier in between");
        if (read.races(m)) m.fail("race: shared memory written without a barrier after the read");
        written.note(m);
        value = v;
    }
};

/// Stands for a pointer into shared memory.
template <class T>
class shared_span {
public:
    struct element {
        cell<T>* at;
        operator T() const { return at->get(); }
        const element& operator=(T v) const { return at->set(v), *this; }
        const element& operator+=(T v) const { return at->set(at->get() + v), *this; }
    };
    shared_span(cell<T>* first, std::size_t size) : first_(first), size_(size) {}
    template <std::size_t N>
    explicit shared_span(std::array<cell<T>, N>& cells) : shared_span(cells.data(), N) {}

    template <class I>
    element operator[](I i) const {
        if (static_cast<std::size_t>(i) >= size_) the_machine.fail("shared memory out of bounds");
        return {first_ + i};
    }
    template <class I>
    shared_span operator+(I n) const {
        return {first_ + n, size_ - static_cast<std::size_t>(n)};
    }

private:
    cell<T>* first_;
    std::size_t size_;
};

template <class T, std::size_t N>
std::array<cell<T>, N>& shared_memory(place key) {
    return the_machine.shared<std::array<cell<T>, N>>(key);
}

/// All kernels here call warps as a whole.
template <class T>
T shuffle(unsigned mask, T value, unsigned from, place where) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    if (mask != 0xffffffffu) the_machine.fail("shuffle among some lanes only");
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = the_machine.exchange(bits, from, where);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// Which way approximate instructions err, by as much as they may: all up, all down, or now so, now so.
enum class errors : std::uint8_t { up, down, mixed };
inline errors approximate_errors = errors::mixed;
inline std::size_t approximate_count = 0;  ///< of such instructions, by all threads

/// The correctly rounded result, and so many units in the last place off it. Subnormal results are 0; 0, 1, infinity and NaN are exact
/// where the argument says so.
inline float approximated(float x, double exact, int units) {
    ++approximate_count;
    float y = static_cast<float>(exact);
    if (std::abs(y) < std::numeric_limits<float>::min()) return std::copysign(0.0f, y);
    if (x == 0 || !std::isfinite(x) || !std::isfinite(y)) return y;
    const bool up = approximate_errors == errors::up ||
                    (approximate_errors == errors::mixed && std::popcount(std::bit_cast<std::uint32_t>(x)) % 2 == 0);
    const float end = up ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
    for (int i = 0; i < units; ++i) y = std::nextafter(y, end);
    return y;
}

}  // namespace chimera::emulated

inline void __syncthreads(unsigned line = __builtin_LINE(), const char* file = __builtin_FILE()) {
    chimera::emulated::the_machine.meet_block({file, line});
}
inline void __syncwarp(unsigned = 0xffffffffu, unsigned line = __builtin_LINE(), const char* file = __builtin_FILE()) {
    chimera::emulated::the_machine.meet_warp({file, line}, true);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, unsigned bits, unsigned line = __builtin_LINE(),
                  const char* file = __builtin_FILE()) {
    return chimera::emulated::shuffle(mask, value, chimera::emulated::the_machine.lane() ^ bits, {file, line});
}

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }

namespace chimera::executor::gpu {

template <class T>
using shared = emulated::shared_span<T>;

using std::max;
using std::min;

inline float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }
inline bf16 narrow(float x) { return to_bf16(x); }
/// Two to a word, the first in the lower half.
inline std::uint32_t narrow(float first, float second) {
    return to_bf16(first).bits | static_cast<std::uint32_t>(to_bf16(second).bits) << 16;
}

inline float exp2_approximate(float x) { return emulated::approximated(x, std::exp2(static_cast<double>(x)), 2); }
inline float reciprocal_approximate(float x) { return emulated::approximated(x, 1 / static_cast<double>(x), 1); }

struct alignas(16) words {
    std::uint32_t word[4];
};
inline void check_aligned(const void* at) {
    if (reinterpret_cast<std::uintptr_t>(at) % 16) emulated::the_machine.fail("16-byte access that is not aligned");
}
inline words load_words(const void* from) {
    check_aligned(from);
    words result;
    std::memcpy(&result, from, sizeof result);
    return result;
}
inline void store_words(void* to, const words& x) {
    check_aligned(to);
    std::memcpy(to, &x, sizeof x);
}

using grid = emulated::extent;

template <class... Parameters>
void launch(void (*kernel)(Parameters...), grid blocks, unsigned threads, void* stream,
            std::type_identity_t<Parameters>... arguments) {
    if (blocks.x == 0 || blocks.y == 0) return;
    if (emulated::launching) emulated::launching(stream, reinterpret_cast<const void*>(kernel));
    const auto run = [=] { emulated::the_machine.launch(blocks, threads, [=] { kernel(arguments...); }); };
    emulated::enqueue ? emulated::enqueue(stream, run) : run();
}

}  // namespace chimera::executor::gpu
