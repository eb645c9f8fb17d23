// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/cuda/add.hpp>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace chimera::executor::detail {
namespace {

__device__ void add_to(float& total, float next) { total += next; }
__device__ void add_to(float4& total, float4 next) {
    total.x += next.x, total.y += next.y, total.z += next.z, total.w += next.w;
}

/// An element is read from everywhere before it is written anywhere, by one thread: targets may be sources.
template <typename Vector>
__global__ void add_in_order(tensors_to_add what, std::size_t size) {
    const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
    for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < size; i += step) {
        Vector total = reinterpret_cast<const Vector*>(what.from[0])[i];
        for (int m = 1; m < what.sources; ++m) add_to(total, reinterpret_cast<const Vector*>(what.from[m])[i]);
        for (int m = 0; m < what.targets; ++m) reinterpret_cast<Vector*>(what.into[m])[i] = total;
    }
}

bool on_vectors(const tensors_to_add& what) {
    std::uintptr_t bits = 0;
    for (int m = 0; m < what.sources; ++m) bits |= reinterpret_cast<std::uintptr_t>(what.from[m]);
    for (int m = 0; m < what.targets; ++m) bits |= reinterpret_cast<std::uintptr_t>(what.into[m]);
    return bits % sizeof(float4) == 0;
}

template <typename Vector>
void launch(const tensors_to_add& what, std::size_t size, cudaStream_t stream) {
    constexpr std::size_t threads = 256, most_blocks = 4096;
    const std::size_t blocks = (size + threads - 1) / threads;
    if (size > 0)
        add_in_order<Vector>
            <<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), threads, 0, stream>>>(what, size);
}

}  // namespace

int launch_add(const tensors_to_add& what, std::size_t size, void* stream) {
    const auto on = static_cast<cudaStream_t>(stream);
    const std::size_t vectors = on_vectors(what) ? size / 4 : 0;
    launch<float4>(what, vectors, on);
    tensors_to_add rest = what;
    for (int m = 0; m < rest.sources; ++m) rest.from[m] += 4 * vectors;
    for (int m = 0; m < rest.targets; ++m) rest.into[m] += 4 * vectors;
    launch<float>(rest, size - 4 * vectors, on);
    return cudaGetLastError();
}

}  // namespace chimera::executor::detail
