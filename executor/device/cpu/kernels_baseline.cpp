// SPDX-License-Identifier: Apache-2.0
#define CHIMERA_KERNELS kernels_baseline
#define CHIMERA_KERNELS_NAME "baseline"
#include <executor/device/cpu/kernels.inl>
