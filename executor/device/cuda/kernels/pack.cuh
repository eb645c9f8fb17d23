// SPDX-License-Identifier: Apache-2.0
#pragma once

// Access of kernels to memory: 16 bytes at a time where addresses allow, computing in float.

#include <executor/device/cuda/kernels/cuda.cuh>

#include <cstddef>
#include <cstdint>

namespace chimera::executor::gpu {

__host__ __device__ inline std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// The number of elements in 16 bytes.
template <class Real>
inline constexpr int lanes = 16 / static_cast<int>(sizeof(Real));

/// Consecutive elements in registers.
template <int Width>
struct pack {
    float at[Width];
    __device__ float& operator[](int i) { return at[i]; }
    __device__ float operator[](int i) const { return at[i]; }
};

__device__ inline float load(const float* x) { return *x; }
__device__ inline float load(const bf16* x) { return float_of(static_cast<std::uint32_t>(x->bits) << 16); }
__device__ inline void store(float* y, float x) { *y = x; }
__device__ inline void store(bf16* y, float x) { *y = narrow(x); }
/// Rounds x as a store to Real does.
template <class Real>
__device__ inline float as_stored(float x) {
    Real stored;
    store(&stored, x);
    return load(&stored);
}

template <int Width>
__device__ inline pack<Width> load(const float* x) {
    pack<Width> result;
    if constexpr (Width % 4 == 0) {
        CHIMERA_UNROLL
        for (int i = 0; i < Width; i += 4) {
            const words w = load_words(x + i);
            for (int k = 0; k < 4; ++k) result[i + k] = float_of(w.word[k]);
        }
    } else {
        for (int i = 0; i < Width; ++i) result[i] = load(x + i);
    }
    return result;
}

template <int Width>
__device__ inline pack<Width> load(const bf16* x) {
    pack<Width> result;
    if constexpr (Width % 8 == 0) {
        CHIMERA_UNROLL
        for (int i = 0; i < Width; i += 8) {
            const words w = load_words(x + i);
            for (int k = 0; k < 4; ++k) {
                result[i + 2 * k] = float_of(w.word[k] << 16);
                result[i + 2 * k + 1] = float_of(w.word[k] & 0xffff0000u);
            }
        }
    } else {
        for (int i = 0; i < Width; ++i) result[i] = load(x + i);
    }
    return result;
}

template <int Width>
__device__ inline void store(float* y, const pack<Width>& x) {
    if constexpr (Width % 4 == 0) {
        CHIMERA_UNROLL
        for (int i = 0; i < Width; i += 4)
            store_words(y + i, {{bits_of(x[i]), bits_of(x[i + 1]), bits_of(x[i + 2]), bits_of(x[i + 3])}});
    } else {
        for (int i = 0; i < Width; ++i) store(y + i, x[i]);
    }
}

template <int Width>
__device__ inline void store(bf16* y, const pack<Width>& x) {
    if constexpr (Width % 8 == 0) {
        CHIMERA_UNROLL
        for (int i = 0; i < Width; i += 8)
            store_words(y + i, {{narrow(x[i], x[i + 1]), narrow(x[i + 2], x[i + 3]), narrow(x[i + 4], x[i + 5]),
                                 narrow(x[i + 6], x[i + 7])}});
    } else {
        for (int i = 0; i < Width; ++i) store(y + i, x[i]);
    }
}

/// Returns true if 16 bytes at a time do. `period`: elements between starts of rows. Every pointer must be on a 16-byte
/// boundary.
/// Null is.
template <int Width, class... Pointers>
bool wide(std::size_t period, const Pointers*... at) {
    return period % static_cast<std::size_t>(Width) == 0 && ((reinterpret_cast<std::uintptr_t>(at) % 16 == 0) && ...);
}

/// Threads of the largest blocks: those that share one row. The compiler leaves them registers enough.
inline constexpr int row_threads = 512;

/// Blocks for `work` threads.
inline unsigned blocks_for(std::size_t work, unsigned threads) {
    return static_cast<unsigned>((work + threads - 1) / threads);
}
/// Threads for `work` pieces in one block: whole warps, at most `most`.
inline unsigned threads_for(std::size_t work, unsigned most) {
    return work >= most ? most : static_cast<unsigned>((work + 31) / 32 * 32);
}

}  // namespace chimera::executor::gpu
