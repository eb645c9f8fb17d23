// SPDX-License-Identifier: Apache-2.0

// The machine that the other tests here trust: it runs what is right and stops what is wrong.

#include <executor/device/cuda/kernels/pack.cuh>
#include <executor/device/cuda/kernels/reduction.cuh>
#include "tests/device/emulated/support.hpp"

#include <gmock/gmock.h>

namespace chimera::emulated {
namespace {

using executor::gpu::all_lanes;
using executor::gpu::launch;

std::string fault_of(void (*kernel)(float*), tensor<float>& y, unsigned blocks = 1, unsigned threads = 64) {
    try {
        launch(kernel, {blocks}, threads, nullptr, y.data());
    } catch (const fault& f) {
        return f.what();
    }
    return "";
}

void reverse_through_shared(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    kept[threadIdx.x] = y[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = kept[63 - threadIdx.x];
}

TEST(machine, runs_threads_in_step) {
    tensor<float> y(64);
    for (std::size_t i = 0; i < 64; ++i) y[i] = static_cast<float>(i);
    EXPECT_EQ(fault_of(reverse_through_shared, y), "");
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(y[i], static_cast<float>(63 - i));
}

void sum_of_block(float* y) {
    CHIMERA_SHARED(float, scratch, executor::gpu::most_warps);
    const float mine = static_cast<float>(threadIdx.x + blockIdx.x);
    const float sum = executor::gpu::over_block<executor::gpu::sum_of>(mine, scratch);
    y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

TEST(machine, shuffles_and_reduces) {
    for (const unsigned threads : {32u, 96u, 1024u}) {
        const auto [y] = in_every_order([&] {
            std::tuple out(tensor<float>(3 * threads));
            EXPECT_EQ(fault_of(sum_of_block, std::get<0>(out), 3, threads), "");
            return out;
        });
        for (std::size_t i = 0; i < y.size(); ++i) {
            const std::size_t sum = threads * (threads - 1) / 2 + i / threads * threads;
            EXPECT_EQ(y[i], static_cast<float>(sum));
        }
    }
}

void leaves_early(float*) {
    if (threadIdx.x == 5) return;
    __syncthreads();
}
void meets_elsewhere(float*) {
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}
void shuffles_alone(float* y) {
    if (threadIdx.x % 2) y[threadIdx.x] = __shfl_xor_sync(all_lanes, 1.0f, 2);
}
void forgets_to_write(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    if (threadIdx.x) kept[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = kept[threadIdx.x];
}
void reads_without_barrier(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    kept[threadIdx.x] = 1;
    y[threadIdx.x] = kept[threadIdx.x ^ 1];
}
void writes_after_read(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    kept[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = kept[threadIdx.x ^ 32];
    kept[threadIdx.x] = 2;
}
void writes_one_place(float*) {
    CHIMERA_SHARED(float, kept, 1);
    kept[0] = static_cast<float>(threadIdx.x);
}
void crosses_warps_with_a_warp_barrier(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    kept[threadIdx.x] = 1;
    __syncwarp();
    y[threadIdx.x] = kept[threadIdx.x ^ 1] + kept[threadIdx.x ^ 32];
}
void stays_in_its_warp(float* y) {
    CHIMERA_SHARED(float, kept, 64);
    kept[threadIdx.x] = 1;
    __syncwarp();
    y[threadIdx.x] = kept[threadIdx.x ^ 1];
}
void leaves_shared(float*) {
    CHIMERA_SHARED(float, kept, 63);
    kept[threadIdx.x] = 1;
}
void loads_off_the_boundary(float* y) { y[threadIdx.x] = executor::gpu::load<4>(y + 1)[0]; }

TEST(machine, stops_what_hardware_would_punish) {
    tensor<float> y(64);
    using testing::HasSubstr;
    EXPECT_THAT(fault_of(leaves_early, y), HasSubstr("waits for ever"));
    EXPECT_THAT(fault_of(meets_elsewhere, y), HasSubstr("threads meet at"));
    EXPECT_THAT(fault_of(shuffles_alone, y), HasSubstr("waits for ever"));
    EXPECT_THAT(fault_of(forgets_to_write, y), HasSubstr("read before it is written (thread 0"));
    EXPECT_THAT(fault_of(reads_without_barrier, y), HasSubstr("read before it is written"));
    EXPECT_THAT(fault_of(writes_after_read, y), HasSubstr("race"));
    EXPECT_THAT(fault_of(writes_one_place, y), HasSubstr("written twice"));
    EXPECT_THAT(fault_of(leaves_shared, y), HasSubstr("out of bounds (thread 63"));
    EXPECT_THAT(fault_of(loads_off_the_boundary, y), HasSubstr("not aligned"));
    EXPECT_EQ(fault_of(stays_in_its_warp, y), "");
    EXPECT_THAT(fault_of(stays_in_its_warp, y, 1, 48), HasSubstr("blocks of 48"));
    EXPECT_THAT(fault_of(crosses_warps_with_a_warp_barrier, y), HasSubstr("shared memory read"));
    run_order = {false, true};
    EXPECT_THAT(fault_of(crosses_warps_with_a_warp_barrier, y), HasSubstr("shared memory read"));
    EXPECT_THAT(fault_of(reads_without_barrier, y), HasSubstr("shared memory read"));
    run_order = {};
}

TEST(bf16, rounds_to_nearest_even) {
    using executor::to_bf16, executor::to_float;
    EXPECT_EQ(to_float(to_bf16(1.0f)), 1.0f);
    EXPECT_EQ(to_float(to_bf16(1.0f + 0x1p-8f)), 1.0f);               // a tie: to the even neighbour below
    EXPECT_EQ(to_float(to_bf16(1.0f + 0x3p-8f)), 1.0f + 0x1p-6f);     // a tie: to the even neighbour above
    EXPECT_EQ(to_float(to_bf16(1.0f + 0x1.01p-8f)), 1.0f + 0x1p-7f);  // just above a tie
    EXPECT_EQ(to_float(to_bf16(-1.0f - 0x1.01p-8f)), -1.0f - 0x1p-7f);
    EXPECT_EQ(to_float(to_bf16(0x1.ffp127f)), HUGE_VALF);
    EXPECT_TRUE(std::isnan(to_float(to_bf16(NAN))));
    EXPECT_EQ(to_bf16(0x1p-133f).bits, 1);  // the smallest there is
    for (unsigned bits = 0; bits < 0x7f80; ++bits) {
        const bf16 x{static_cast<std::uint16_t>(bits)};
        ASSERT_EQ(to_bf16(to_float(x)), x);
    }
}

}  // namespace
}  // namespace chimera::emulated
