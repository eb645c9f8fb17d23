// SPDX-License-Identifier: Apache-2.0
#include <executor/layers/cuda/gpt2_cuda.hpp>

namespace chimera::executor {

template class gpt2_stage<cuda_device<float>>;
template class gpt2_stage<cuda_device<bf16>>;

}  // namespace chimera::executor
