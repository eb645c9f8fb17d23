// SPDX-License-Identifier: Apache-2.0
#include "tests/device/pytorch.hpp"

namespace chimera::executor::test::pytorch {

// Both sides compute in double; gradients and weights are stored as float32 (2⁻²⁴ = 6e-8). Ten steps amplify what little
// differs: the order of sums.
TEST(pytorch, reference_device_in_double) {
    reference_device<double> device;
    training(device, small).run({.loss = 1e-12, .gradient = 1e-7, .norm = 1e-10, .weight = 1e-7});
}

// fp32: a gradient is a sum over some thousand roundings of 6e-8 of both signs; ten steps of AdamW, which divides small
// gradients by small gradients, amplify them.
TEST(pytorch, cpu_device_in_fp32) {
    cpu_device device;
    training(device, small).run({.loss = 1e-5, .gradient = 1e-5, .norm = 1e-4, .weight = 1e-4});
}

// As on a GPU, with the same bounds: see tests/device/cuda/pytorch.cpp.
TEST(pytorch, cpu_device_in_bf16) {
    if (!cpu_has_bf16()) GTEST_SKIP() << "this CPU lacks avx512_bf16";
    cpu_device_in<bf16> device;
    constexpr double any = 1e9;
    training(device, small).run({.loss = 0x1p-7, .gradient = 0x1p-4, .norm = any, .weight = any});
}

}  // namespace chimera::executor::test::pytorch
