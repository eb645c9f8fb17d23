// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/cuda.hpp>
#include <executor/layers/gpt2_stage.hpp>

namespace chimera::executor {

extern template class gpt2_stage<cuda_device<float>>;
extern template class gpt2_stage<cuda_device<bf16>>;

}  // namespace chimera::executor
