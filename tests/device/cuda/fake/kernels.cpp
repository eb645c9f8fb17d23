// SPDX-License-Identifier: Apache-2.0

// The kernels for a plain C++ compiler, which emulates what they use of CUDA.

#include <executor/device/cuda/kernels/adamw.cu>
#include <executor/device/cuda/kernels/clip.cu>
#include <executor/device/cuda/kernels/columns.cu>
#include <executor/device/cuda/kernels/cross_entropy.cu>
#include <executor/device/cuda/kernels/elementwise.cu>
#include <executor/device/cuda/kernels/embedding.cu>
#include <executor/device/cuda/kernels/norm_backward.cu>
#include <executor/device/cuda/kernels/reduce.cu>
#include <executor/device/cuda/kernels/rotary.cu>
#include <executor/device/cuda/kernels/rows.cu>
#include <executor/device/cuda/kernels/softmax.cu>
#include <executor/device/cuda/plain_product.cu>
