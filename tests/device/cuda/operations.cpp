// SPDX-License-Identifier: Apache-2.0

// Every operation of device cuda in both precisions, with algorithms measured and with fixed ones.

#include "tests/device/conformance.hpp"
#include "tests/device/cuda/setups.hpp"

namespace chimera::executor::test {

using setups = testing::Types<on_cuda<float, false>, on_cuda<float, true>, on_cuda<bf16, false>, on_cuda<bf16, true>>;
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, conformance, setups);

}  // namespace chimera::executor::test
