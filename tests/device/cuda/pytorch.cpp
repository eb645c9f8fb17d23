// SPDX-License-Identifier: Apache-2.0
#include "tests/device/pytorch.hpp"
#include <executor/layers/cuda/gpt2_cuda.hpp>
#include "tests/device/cuda/setups.hpp"

namespace chimera::executor::test::pytorch {

TEST(pytorch, cuda_device_in_fp32) {
    const auto device = on_cuda<float, true>::make();
    if (!device) GTEST_SKIP() << "no GPU here";
    training(*device, small).run({.loss = 1e-5, .gradient = 1e-5, .norm = 1e-4, .weight = 1e-4});
}

// bf16 rounds each tensor that is stored, by 2⁻⁸ at most and in both directions: some thirty of them on a gradient's way, and
// √30 · 2⁻⁸ is 2⁻⁵·⁵; a loss is a mean over tokens besides. AdamW divides by gradients that are near 0, so later gradients and
// weights are those of another run; the losses of ten steps are not.
TEST(pytorch, cuda_device_in_bf16) {
    const auto device = on_cuda<bf16, true>::make();
    if (!device) GTEST_SKIP() << "no GPU here";
    constexpr double any = 1e9;
    training(*device, small).run({.loss = 0x1p-7, .gradient = 0x1p-4, .norm = any, .weight = any});
}

}  // namespace chimera::executor::test::pytorch
