// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows ordered by their token, equal tokens in the order of rows: a stable radix sort, 8 bits a pass. In each chunk of
// keys, thread d of a block looks for digit d alone, from the first key to the last: stable, and no atomics. Work and
// memory grow as the rows do.

#include <executor/device/cuda/kernels/pack.cuh>

namespace chimera::executor::gpu {

inline constexpr int digits = 256;  // and threads of a block
inline constexpr int sort_chunk = 1024;

struct keyed_row {
    std::int32_t token, row;
};

/// The keys of one pass: tokens as they came, or what the pass before left.
struct sort_source {
    const std::int32_t* tokens;
    const keyed_row* sorted;  ///< null in the first pass
    int count, shift;
    __device__ keyed_row at(int i) const { return sorted ? sorted[i] : keyed_row{tokens[i], i}; }
    __device__ int digit(int i) const { return static_cast<int>(static_cast<unsigned>(at(i).token) >> shift) % digits; }
    __device__ int first() const { return static_cast<int>(blockIdx.x) * sort_chunk; }
    __device__ int size() const { return min(sort_chunk, count - first()); }
};

__device__ inline void load_digits(const sort_source& source, shared<int> found) {
    for (int i = static_cast<int>(threadIdx.x); i < source.size(); i += digits)
        found[i] = source.digit(source.first() + i);
    __syncthreads();
}

/// counts [chunks, digits]: how many keys of a chunk have a digit.
static __global__ void sort_count_kernel(sort_source source, int* counts) {
    CHIMERA_SHARED(int, found, sort_chunk);
    load_digits(source, found);
    const int mine = static_cast<int>(threadIdx.x), n = source.size();
    int count = 0;
    for (int i = 0; i < n; ++i) count += found[i] == mine;
    counts[blockIdx.x * digits + threadIdx.x] = count;
}

/// One block: counts become the places where the chunk's keys of that digit begin.
static __global__ void sort_place_kernel(int chunks, int* counts) {
    CHIMERA_SHARED(int, totals, digits);
    const int mine = static_cast<int>(threadIdx.x);
    int total = 0;
    for (int chunk = 0; chunk < chunks; ++chunk) total += counts[chunk * digits + mine];
    totals[mine] = total;
    __syncthreads();
    int place = 0;
    for (int digit = 0; digit < mine; ++digit) place += totals[digit];
    for (int chunk = 0; chunk < chunks; ++chunk) {
        const int count = counts[chunk * digits + mine];
        counts[chunk * digits + mine] = place;
        place += count;
    }
}

static __global__ void sort_move_kernel(sort_source source, const int* places, keyed_row* to) {
    CHIMERA_SHARED(int, found, sort_chunk);
    CHIMERA_SHARED(int, target, sort_chunk);
    load_digits(source, found);
    const int mine = static_cast<int>(threadIdx.x), n = source.size();
    int place = places[blockIdx.x * digits + threadIdx.x];
    for (int i = 0; i < n; ++i)
        if (found[i] == mine) target[i] = place++;
    __syncthreads();
    for (int i = mine; i < n; i += digits) to[target[i]] = source.at(source.first() + i);
}

inline std::size_t sort_chunks(int rows) { return (size(rows) + sort_chunk - 1) / sort_chunk; }

/// Sorts rows [0, rows) by token < limit. buffers: 2 · rows; counts: sort_chunks(rows) · digits. Returns the half of
/// the buffers that holds the result.
inline keyed_row* launch_sort(stream_handle stream, const std::int32_t* tokens, int rows, int limit, keyed_row* buffers,
                              int* counts) {
    const int chunks = static_cast<int>(sort_chunks(rows));
    const grid blocks{static_cast<unsigned>(chunks)};
    keyed_row* from = nullptr;
    keyed_row* to = buffers;
    for (int shift = 0; shift == 0 || (shift < 31 && (limit - 1) >> shift > 0); shift += 8) {
        const sort_source source{tokens, from, rows, shift};
        launch(sort_count_kernel, blocks, digits, stream, source, counts);
        launch(sort_place_kernel, {1}, digits, stream, chunks, counts);
        launch(sort_move_kernel, blocks, digits, stream, source, counts, to);
        from = to;
        to = from == buffers ? buffers + rows : buffers;
    }
    return from;
}

}  // namespace chimera::executor::gpu
