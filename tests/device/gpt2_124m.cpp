// SPDX-License-Identifier: Apache-2.0
#include "tests/device/pytorch.hpp"

namespace chimera::executor::test::pytorch {

TEST(gpt2_124m, has_its_parameters) {
    EXPECT_EQ(parameter_count(gpt2_124m.config), 163'037'184);  // 124,439,808 with a head tied to the token table
}

// fp32: as in the toy, a gradient is a sum over some thousand roundings of 6e-8 of both signs, and the loss a mean.
TEST(gpt2_124m, cpu_device_in_fp32) {
    cpu_device device;
    training(device, gpt2_124m).run({.loss = 1e-5, .gradient = 0, .norm = 1e-4, .weight = 0});
}

}  // namespace chimera::executor::test::pytorch
