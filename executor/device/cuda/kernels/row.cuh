// SPDX-License-Identifier: Apache-2.0
#pragma once

// One block handles one row, or one warp.

#include <executor/device/cuda/kernels/pack.cuh>

#include <type_traits>

namespace chimera::executor::gpu {

/// The part of a row that the running thread handles: every `step`-th pack, from `first` on. With Held > 0 that many
/// packs stay in registers, so that memory is read once; with 0 each visit reads again. Elements from `columns` on
/// belong to nobody.
template <class Real, int Width, int Held>
class thread_row {
public:
    /// Of a row for the whole block.
    __device__ thread_row(const Real* data, int columns) : thread_row(data, columns, threadIdx.x, blockDim.x) {}
    __device__ thread_row(const Real* data, int columns, unsigned first, unsigned step)
        : data_(data), columns_(columns), first_(first), step_(step) {
        if constexpr (Held > 0) {
            CHIMERA_UNROLL
            for (int k = 0; k < Held; ++k)
                if (column(k) < columns_) held_[k] = load<Width>(data_ + column(k));
        }
    }

    /// Calls f(column of the first element, pack) for each pack that begins within the row.
    template <class F>
    __device__ void each(F f) const {
        if constexpr (Held > 0) {
            CHIMERA_UNROLL
            for (int k = 0; k < Held; ++k)
                if (column(k) < columns_) f(column(k), held_[k]);
        } else {
            for (int k = 0; column(k) < columns_; ++k) f(column(k), load<Width>(data_ + column(k)));
        }
    }

    /// Calls f with the elements of two rows at once.
    template <class F>
    __device__ void each_with(const thread_row& other, F f) const {
        if constexpr (Held > 0) {
            CHIMERA_UNROLL
            for (int k = 0; k < Held; ++k)
                if (column(k) < columns_) f(column(k), held_[k], other.held_[k]);
        } else {
            for (int k = 0; column(k) < columns_; ++k)
                f(column(k), load<Width>(data_ + column(k)), load<Width>(other.data_ + column(k)));
        }
    }

private:
    __device__ int column(int k) const { return static_cast<int>(static_cast<unsigned>(k) * step_ + first_) * Width; }

    const Real* data_;
    int columns_;
    unsigned first_, step_;
    pack<Width> held_[Held > 0 ? Held : 1] = {};
};

/// Packs that one lane of a warp may hold of a row: 64 registers.
inline constexpr int most_warp_packs = 8;

/// Returns true if one warp can hold a whole row, so that no barrier is needed.
template <class Real>
bool suits_warp(int columns, bool aligned) {
    return aligned && columns <= 32 * lanes<Real> * most_warp_packs;
}

/// Calls f with the width and the packs that each lane of a warp holds, for rows that suit a warp.
template <class Real, class F>
void with_warp_plan(int columns, F f) {
    const std::integral_constant<int, lanes<Real>> width;
    const int packs = (columns + 32 * width - 1) / (32 * width);
    if (packs <= 1) return f(width, std::integral_constant<int, 1>{});
    if (packs <= 2) return f(width, std::integral_constant<int, 2>{});
    if (packs <= 3) return f(width, std::integral_constant<int, 3>{});
    if (packs <= 4) return f(width, std::integral_constant<int, 4>{});
    if (packs <= 6) return f(width, std::integral_constant<int, 6>{});
    f(width, std::integral_constant<int, most_warp_packs>{});
}

/// Calls f with the width, the packs to hold, and the threads of a block that suit rows of `columns`.
template <class Real, class F>
void with_row_plan(int columns, bool aligned, F f) {
    constexpr int width = lanes<Real>;
    const std::size_t packs = (size(columns) + width - 1) / width;
    if (!aligned)
        return f(std::integral_constant<int, 1>{}, std::integral_constant<int, 0>{},
                 threads_for(size(columns), row_threads));
    const std::integral_constant<int, width> full;
    if (packs <= 256) return f(full, std::integral_constant<int, 1>{}, threads_for(packs, 256));
    if (packs <= 512) return f(full, std::integral_constant<int, 2>{}, threads_for((packs + 1) / 2, 256));
    if (packs <= 2048) return f(full, std::integral_constant<int, 4>{}, threads_for((packs + 3) / 4, row_threads));
    f(full, std::integral_constant<int, 0>{}, static_cast<unsigned>(row_threads));
}

}  // namespace chimera::executor::gpu
