// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <cstddef>
#include <string>
#include <vector>

namespace chimera::executor {

/// One GPU as its driver describes it.
struct gpu_description {
    std::string name;
    int major = 0, minor = 0;  ///< compute capability
    std::size_t bytes = 0;     ///< memory
    int processors = 0;        ///< streaming multiprocessors
};

/// The GPUs of this machine; where there are none, `why` says what CUDA said.
struct gpus_found {
    std::vector<gpu_description> all;
    std::string why;
    int driver = 0, runtime = 0;     ///< versions, 13000 for 13.0
    std::size_t matrix_library = 0;  ///< version of cuBLASLt; 0: there is no GPU for it
};
gpus_found find_gpus();

/// Zeroed memory of a GPU on a 256-byte boundary; moves, never copies.
class device_memory {
public:
    device_memory() = default;
    /// Throws chimera_error, which says how much was asked for and how much there is.
    device_memory(int gpu, std::size_t bytes);
    ~device_memory() { release(); }
    device_memory(device_memory&& other) noexcept { swap(other); }
    device_memory& operator=(device_memory&& other) noexcept {
        device_memory taken;
        taken.swap(other);
        swap(taken);
        return *this;
    }

    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    void swap(device_memory& other) noexcept {
        std::byte* const data = data_;
        const std::size_t size = size_;
        data_ = other.data_, size_ = other.size_;
        other.data_ = data, other.size_ = size;
    }
    void release() noexcept;

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace chimera::executor
