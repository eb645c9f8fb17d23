// SPDX-License-Identifier: Apache-2.0
#include <executor/layers/gpt2_stage.hpp>

namespace chimera::executor {

template class gpt2_stage<cpu_device>;
template class gpt2_stage<cpu_device_in<bf16>>;

}  // namespace chimera::executor
