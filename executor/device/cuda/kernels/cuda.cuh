// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only header here that knows CUDA. A plain C++ compiler gets an emulation of what is used of it.

#include <executor/device/bf16.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>

#ifdef __CUDACC__

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <type_traits>

#define CHIMERA_SHARED(Type, name, size) __shared__ Type name[size]
#define CHIMERA_UNROLL _Pragma("unroll")

namespace chimera::executor::gpu {

/// A pointer into shared memory, that of CHIMERA_SHARED(type, name, size).
template <class T>
using shared = T*;

__device__ inline float float_of(std::uint32_t bits) { return __uint_as_float(bits); }
__device__ inline std::uint32_t bits_of(float x) { return __float_as_uint(x); }
__device__ inline bf16 narrow(float x) { return {__bfloat16_as_ushort(__float2bfloat16_rn(x))}; }
/// Two to a word, the first in the lower half.
__device__ inline std::uint32_t narrow(float first, float second) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(first, second);
    return static_cast<std::uint32_t>(__bfloat16_as_ushort(both.y)) << 16 | __bfloat16_as_ushort(both.x);
}

/// 2 to the power of x, within 2 units in the last place of the correctly rounded result; subnormal results are 0 (PTX
/// ISA, ex2).
__device__ inline float exp2_approximate(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
/// 1 / x, within 1 unit in the last place; subnormal results are 0 (PTX ISA, rcp).
__device__ inline float reciprocal_approximate(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

struct alignas(16) words {
    std::uint32_t word[4];
};
__device__ inline words load_words(const void* from) {
    const uint4 x = *static_cast<const uint4*>(from);
    return {{x.x, x.y, x.z, x.w}};
}
__device__ inline void store_words(void* to, const words& x) {
    *static_cast<uint4*>(to) = {x.word[0], x.word[1], x.word[2], x.word[3]};
}

struct grid {
    unsigned x = 1, y = 1;
};

template <class... Parameters>
void launch(void (*kernel)(Parameters...), grid blocks, unsigned threads, stream_handle stream,
            std::type_identity_t<Parameters>... arguments) {
    if (blocks.x == 0 || blocks.y == 0) return;
    kernel<<<dim3(blocks.x, blocks.y), threads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) launch_failed(error);
}

}  // namespace chimera::executor::gpu

#else
#include "tests/device/emulated/cuda.hpp"
#endif
