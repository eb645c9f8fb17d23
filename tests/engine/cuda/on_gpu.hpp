// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/device/cuda/gpu.hpp>

#include <gtest/gtest.h>

#include <vector>

/// Data on a GPU, for tests.
namespace on_gpu {

/// Skips where there are fewer GPUs than that.
class test : public testing::Test {
protected:
    void need(std::size_t gpus) {
        const auto found = chimera::executor::find_gpus();
        if (found.all.size() < gpus)
            GTEST_SKIP() << "needs " << gpus << " GPUs, there are " << found.all.size() << " (" << found.why << ")";
    }
    void SetUp() override { need(1); }
};

/// Elements on a GPU, which are written and read in the order of a stream.
template <typename T>
class data {
public:
    data(chimera::executor::cuda_stream& on, std::size_t size)
        : on_(on), memory_(on.gpu(), (size + 1) * sizeof(T)), size_(size) {}

    void set(const std::vector<T>& values) {
        copy(memory_.data(), values.data());
        synchronize();  // the values may go
    }
    void fill(int byte) {
        chimera::executor::detail::check(cudaMemsetAsync(memory_.data(), byte, size_ * sizeof(T), stream()), "filling");
    }
    std::vector<T> get() {
        std::vector<T> values(size_);
        copy(values.data(), memory_.data());
        synchronize();
        return values;
    }
    T* at(std::size_t index = 0) { return reinterpret_cast<T*>(memory_.data()) + index; }
    std::span<T> span() { return {at(), size_}; }
    std::byte* bytes() { return memory_.data(); }

private:
    cudaStream_t stream() const { return static_cast<cudaStream_t>(on_.handle()); }
    void copy(void* to, const void* from) {
        chimera::executor::detail::check(cudaMemcpyAsync(to, from, size_ * sizeof(T), cudaMemcpyDefault, stream()),
                                         "copying");
    }
    void synchronize() { chimera::executor::detail::check(cudaStreamSynchronize(stream()), "copying"); }

    chimera::executor::cuda_stream& on_;
    chimera::executor::device_memory memory_;
    std::size_t size_;
};

}  // namespace on_gpu
