// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)  // built with the flags of executor/device/flags.cmake
#define CHIMERA_KERNELS kernels_avx512
#define CHIMERA_KERNELS_NAME "avx512"
#include <executor/device/cpu/kernels.inl>
#endif
