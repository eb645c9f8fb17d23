// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/clip.cuh>

namespace chimera::executor::gpu {

void clip(stream_handle stream, const norm_limit& by, adamw_numbers* numbers, int count) {
    launch(clip_kernel, {1}, unsigned{clip_threads}, stream, by, numbers, count);
}

}  // namespace chimera::executor::gpu
