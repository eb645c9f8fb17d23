// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the sources of device cuda alone: needs the CUDA headers.

#include <executor/device/cuda/gpu.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>

namespace chimera::executor::detail {

/// Memory of random numbers to measure with, as zeros make a GPU faster than it is. It is several times what one run
/// needs where that is less than the GPU's cache holds: a set of operands has left the cache when its turn comes again,
/// as it has in training.
class test_data {
public:
    /// Null where there is no room for a single set, of so many bytes.
    test_data(int gpu, cudaStream_t stream, std::size_t bytes);

    explicit operator bool() const { return memory_.size() > 0; }
    std::byte* next();

private:
    std::size_t bytes_, sets_ = 1, turn_ = 0;
    device_memory memory_;
};

/// Milliseconds that what `start` queues takes, the best of a few; infinite where it says that it did not start.
float best_time(cudaStream_t stream, const std::function<bool()>& start);

}  // namespace chimera::executor::detail
