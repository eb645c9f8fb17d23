// SPDX-License-Identifier: Apache-2.0
#include <executor/layers/cuda/gpt2_cuda.hpp>
#include "tests/device/cuda/setups.hpp"
#include "tests/device/pytorch.hpp"

namespace chimera::executor::test::pytorch {

TEST(gpt2_124m, cuda_device_in_fp32) {
    const auto device = on_cuda<float, true>::make();
    if (!device) GTEST_SKIP() << "no GPU here";
    training(*device, gpt2_124m).run({.loss = 1e-5, .gradient = 0, .norm = 1e-4, .weight = 0});
}

// bf16 rounds what is stored by at most 2⁻⁸ of itself, in both directions: a deviation of 2⁻⁸/√3. On the way to a logit lie some
// fifty stored tensors (two sums and two branches in each of twelve layers), so it errs by √50 · 2⁻⁸/√3 = 2⁻⁶ of the logits'
// deviation, and so does a gradient of its own. What ten steps take off the loss, at most all of it, errs by no more than
// the gradients along which they go: 2⁻⁶ of the first loss. The logits' own errors are means over 64 tokens, and less.
TEST(gpt2_124m, cuda_device_in_bf16) {
    const auto device = on_cuda<bf16, true>::make();
    if (!device) GTEST_SKIP() << "no GPU here";
    training(*device, gpt2_124m).run({.loss = 0x1p-6, .gradient = 0, .norm = 1e9, .weight = 0});
}

}  // namespace chimera::executor::test::pytorch
