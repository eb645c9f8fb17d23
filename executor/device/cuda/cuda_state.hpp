// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the sources of device cuda alone: needs the CUDA headers.

#include <executor/device/cuda/attention.hpp>
#include <executor/device/cuda/cuda.hpp>
#include <executor/device/cuda/cuda_linear.hpp>

#include <map>
#include <vector>

namespace chimera::executor::detail {

/// Stream, prepared products and scratch memory of one device.
struct cuda_state {
    int gpu;
    bool own_stream, fuse, reads_host;  ///< the last: by itself, memory that no call has made known to it
    cudaStream_t stream;
    product_library library;
    std::map<linear_shape, linear_products> linear;
    std::map<attention_shape, attention_products> attention;
    device_memory scratch;
    std::vector<device_memory> outgrown;

    explicit cuda_state(const cuda_options& o);
    ~cuda_state();
    cuda_state(const cuda_state&) = delete;
    cuda_state& operator=(const cuda_state&) = delete;

    /// Once the program runs, giving memory back would wait for all streams, and they perhaps for this thread: so it is
    /// kept.
    std::byte* room(std::size_t bytes, bool running = true);
};

}  // namespace chimera::executor::detail
